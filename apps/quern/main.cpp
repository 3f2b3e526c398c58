// The command line. Errors come here and nowhere else: one sentence on stderr, exit code 1; 2 where the command line
// itself makes no sense; 130 after Ctrl-C.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <exception>

#include "base/env.h"
#include "base/error.h"
#include "base/fault.h"
#include "command.h"

namespace {

// "quern plan show": the command that the mistake is in.
std::string full_name(const CLI::App* command) {
    const CLI::App* parent = command->get_parent();
    return (parent ? full_name(parent) + " " : "") + command->get_name();
}

// CLI11's own errors are sentences already; ours say which program speaks, and where to read more.
int usage_error(const CLI::App& app, const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);  // --help
    const CLI::App* command = &app;
    while (!command->get_subcommands().empty()) command = command->get_subcommands().front();
    const std::vector<std::string> rest = command->remaining();
    const bool lacks_command = !command->get_subcommands([](const CLI::App*) { return true; }).empty();
    const std::string what = lacks_command && !rest.empty() ? "there is no command or option '" + rest.front() + "'"
                             : lacks_command                ? "a command is missing"
                                                            : e.what();
    std::fprintf(stderr, "quern: %s (%s --help tells more)\n", what.c_str(), full_name(command).c_str());
    return 2;
}

class Formatter : public CLI::Formatter {
public:
    // Lines of help fit 100 columns.
    std::string make_option(const CLI::Option* option, bool is_positional) const override {
        return wrapped(CLI::Formatter::make_option(option, is_positional));
    }

private:
    static std::string wrapped(const std::string& text) {
        constexpr std::size_t width = 100, indent = 32;
        std::string out;
        std::size_t column = 0;
        for (std::size_t i = 0; i < text.size();) {
            const std::size_t end = std::min(text.find_first_of(" \n", i), text.size());
            if (column + (end - i) > width && column > indent) {
                while (!out.empty() && out.back() == ' ') out.pop_back();
                out += "\n" + std::string(indent, ' ');
                column = indent;
            }
            out.append(text, i, end - i);
            column += end - i;
            if (end < text.size()) {
                out += text[end];
                column = text[end] == '\n' ? 0 : column + 1;
            }
            i = end + 1;
        }
        return out;
    }
};

}  // namespace

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is a failed write, not the end of the process
    CLI::App app(
        "Quern runs language models on this machine.\n"
        "First steps:  quern run \"Once upon a time\"    quern chat    quern inspect model.gguf");
    app.name("quern");
    const auto formatter = std::make_shared<Formatter>();
    formatter->column_width(32);
    app.formatter(formatter);
    app.require_subcommand(1);
    app.set_version_flag("--version", "quern " QUERN_VERSION, "print the version and exit");
    app.set_help_flag("-h,--help", "print this help and exit");
    quern::app::add_run(app);
    quern::app::add_chat(app);
    quern::app::add_inspect(app);
    quern::app::add_tokens(app);
    quern::app::add_template(app);
    quern::app::add_convert(app);
    quern::app::add_plan(app);
    quern::app::add_explain(app);
    quern::app::add_tune(app);
    quern::app::add_prove(app);
    quern::app::add_diff(app);
    quern::app::add_kernels(app);
    quern::app::add_config(app);
    quern::app::add_doctor(app);
    quern::app::add_check(app);
    quern::app::add_grammar(app);
    quern::app::add_version(app);
    try {
        quern::fault::arm(quern::environment("QUERN_FAULT").value_or(""));
        app.parse(argc, argv);
    } catch (const CLI::RuntimeError& e) {  // a command that has said all there is to say
        return std::fflush(stdout) == 0 ? e.get_exit_code() : 1;
    } catch (const CLI::ParseError& e) {
        return usage_error(app, e);
    } catch (const quern::Error& e) {
        std::fflush(stdout);
        std::fprintf(stderr, "quern: %s\n", e.what());
        return e.code == quern::Code::cancelled ? 130 : 1;
    } catch (const std::bad_alloc&) {
        std::fprintf(stderr, "quern: the system has no memory left for this\n");
        return 1;
    } catch (const std::exception& e) {
        std::fprintf(stderr, "quern: %s\n", e.what());
        return 1;
    }
    if (std::fflush(stdout) != 0 || std::ferror(stdout)) {
        std::fprintf(stderr, "quern: writing the output failed\n");
        return 1;
    }
    return 0;
}
