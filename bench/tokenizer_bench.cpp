// How fast texts become tokens, in bytes per second on one core: mixed English and code with every vocabulary that is
// named, or with those of the shared test data; and what a text of one endless word costs.
//
//     tokenizer_bench [--vocab=FILE.gguf ...] [--text=FILE] [Google Benchmark's options]
//
// Without --text the text is this project's own documents and sources, one after the other.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "format/gguf/file.h"
#include "text/tokenizer/tokenizer.h"

namespace {

using namespace quern;

std::string own_text() {
    std::vector<Path> files;
    for (const char* folder : {"docs", "src", "apps", "tests/unit", "tools"})
        for (const auto& entry : std::filesystem::recursive_directory_iterator(Path(QUERN_SOURCE_DIR) / folder))
            if (entry.is_regular_file()) files.push_back(entry.path());
    std::ranges::sort(files);
    std::string text;
    for (const Path& f : files) text += read_text(f, std::size_t{64} << 20);
    return text;
}

void encode(benchmark::State& state, const text::Tokenizer& tokenizer, const std::string& text) {
    std::size_t tokens = 0;
    for (auto _ : state) tokens = tokenizer.encode(text, text::Specials::as_text).size();
    state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * std::ssize(text));
    state.counters["tokens"] = static_cast<double>(tokens);
    state.counters["vocabulary"] = tokenizer.vocab_size();
}

void run(int argc, char** argv) {
    std::vector<Path> vocabularies;
    std::string text;
    std::vector<char*> others;
    for (int i = 0; i < argc; ++i) {
        const std::string_view a = argv[i];
        if (a.starts_with("--vocab="))
            vocabularies.emplace_back(a.substr(8));
        else if (a.starts_with("--text="))
            text = read_text(Path(a.substr(7)), std::size_t{1} << 30);
        else
            others.push_back(argv[i]);
    }
    const Path shared = Path(QUERN_SOURCE_DIR) / "../shared/testdata/vocab";
    if (vocabularies.empty() && std::filesystem::exists(shared))
        for (const auto& entry : std::filesystem::directory_iterator(shared))
            if (entry.path().extension() == ".gguf") vocabularies.push_back(entry.path());
    if (vocabularies.empty()) std::printf("No vocabulary: name some with --vocab=FILE.gguf\n");
    if (text.empty()) text = own_text();
    std::ranges::sort(vocabularies);

    const std::string word(10'000'000, 'a');
    std::vector<std::unique_ptr<text::Tokenizer>> tokenizers;
    for (const Path& path : vocabularies) {
        const auto file = gguf::File::open(path);
        const text::Tokenizer& t = *tokenizers.emplace_back(text::Tokenizer::from_gguf(file.metadata()));
        const std::string name = path.stem().string();
        benchmark::RegisterBenchmark(("mixed/" + name).c_str(), [&t, &text](auto& state) { encode(state, t, text); });
        benchmark::RegisterBenchmark(("one_word_10MB/" + name).c_str(),
                                     [&t, &word](auto& state) { encode(state, t, word); });
    }
    int count = static_cast<int>(others.size());
    benchmark::Initialize(&count, others.data());
    benchmark::RunSpecifiedBenchmarks();
}

}  // namespace

int main(int argc, char** argv) try {
    run(argc, argv);
    return 0;
} catch (const Error& e) {
    std::fprintf(stderr, "tokenizer_bench: %s\n", e.what());
    return 1;
}
