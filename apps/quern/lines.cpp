#include "lines.h"

#include <histedit.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <clocale>
#include <csignal>
#include <cstdio>
#include <cwchar>
#include <iostream>

#include "base/env.h"
#include "base/file.h"
#include "terminal.h"

namespace quern::app {
namespace {

constexpr int remembered = 1000;  // lines

// Waits for input; false when Ctrl-C came, also if it came before. It can only come during the wait, so none is missed.
bool wait_for_input(const InterruptGuard& interrupt) {
    sigset_t ctrl_c, before;
    sigemptyset(&ctrl_c);
    sigaddset(&ctrl_c, SIGINT);
    pthread_sigmask(SIG_BLOCK, &ctrl_c, &before);
    pollfd input{.fd = 0, .events = POLLIN, .revents = 0};
    int ready = -1;
    while (!interrupt.interrupted() && ready < 0) {
        ready = ppoll(&input, 1, nullptr, &before);
        if (ready < 0 && errno != EINTR) break;
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return !interrupt.interrupted();
}

// libedit's own goes on reading when a signal comes; this one ends the line, so that Ctrl-C can drop it.
int read_character(EditLine* line, wchar_t* c) {
    const InterruptGuard* interrupt = nullptr;
    el_get(line, EL_CLIENTDATA, &interrupt);
    std::mbstate_t state{};
    for (;;) {
        if (!wait_for_input(*interrupt)) return -1;
        char byte;
        const ssize_t n = ::read(0, &byte, 1);
        if (n < 0) return -1;
        if (n == 0) return 0;
        const std::size_t used = std::mbrtowc(c, &byte, 1, &state);
        if (used == std::size_t(-2)) continue;  // more bytes of this character to come
        if (used == std::size_t(-1)) *c = L'?';
        return 1;
    }
}

char* prompt(EditLine*) {
    static char text[] = "> ";
    return text;
}

}  // namespace

struct LineReader::Editor {
    EditLine* line = el_init("quern", stdin, stdout, stderr);
    History* history = history_init();
    std::string file;
    HistEvent event{};

    Editor() {
        std::setlocale(LC_CTYPE, "");  // which bytes are a character
        history_(H_SETSIZE, remembered);
        history_(H_SETUNIQUE, 1);
        el_set(line, EL_PROMPT, &prompt);
        el_set(line, EL_EDITOR, "emacs");
        el_set(line, EL_SIGNAL, 0);
        el_set(line, EL_HIST, &::history, history);
        el_set(line, EL_GETCFN, &read_character);
        const Path home = quern_home();
        std::error_code failed;
        if (!home.empty()) std::filesystem::create_directories(home, failed);
        if (!home.empty() && !failed) file = (home / "chat_history").string();
        if (!file.empty()) history_(H_LOAD, file.c_str());
    }
    ~Editor() {
        if (!file.empty()) history_(H_SAVE, file.c_str());
        history_end(history);
        el_end(line);
    }
    Editor(const Editor&) = delete;
    Editor& operator=(const Editor&) = delete;

    template <class A>
    void history_(int what, A argument) {
        ::history(history, &event, what, argument);
    }
};

LineReader::LineReader() {
    if (isatty(0) == 1 && isatty(1) == 1) editor_ = std::make_unique<Editor>();
}

LineReader::~LineReader() = default;

std::optional<std::string> LineReader::next() {
    std::string line;
    if (!editor_) return std::getline(std::cin, line) ? std::optional(line) : std::nullopt;
    for (;;) {
        const InterruptGuard interrupt;
        el_set(editor_->line, EL_CLIENTDATA, &interrupt);
        el_set(editor_->line, EL_PREP_TERM, 1);  // else the prompt is there before the keys are the editor's
        int length = 0;
        const char* text = el_gets(editor_->line, &length);
        if (text && length > 0) {
            line.assign(text, std::size_t(length));
            while (!line.empty() && line.back() == '\n') line.pop_back();
            if (!line.empty()) editor_->history_(H_ENTER, line.c_str());
            return line;
        }
        std::printf("\n");
        if (!interrupt.interrupted()) return std::nullopt;
        std::fflush(stdout);
    }
}

}  // namespace quern::app
