// Dates as Python's datetime.strftime writes them, in the C locale.
#include <string>

#include "text/template/jinja/runtime.h"

namespace quern::text::jinja {

std::string strftime(const std::tm& now, std::string_view format) {
    constexpr std::string_view known = "aAbBcCdDeFgGhHIjklmMnpRSTtuUVwWxXyY%", flags = "-_0^#";
    std::string out;
    for (std::size_t i = 0; i < format.size(); ++i) {
        if (format[i] != '%') {
            out += format[i];
            continue;
        }
        std::string directive = "%";
        if (++i < format.size() && flags.find(format[i]) != flags.npos) directive += format[i++];
        if (i == format.size()) refuse("strftime: the format ends inside a directive");
        directive += format[i];
        if (directive == "%f") {
            out += "000000";
        } else if (directive != "%z" && directive != "%Z") {  // a date without a time zone: nothing
            if (known.find(format[i]) == known.npos) refuse("strftime: the directive {} is not known", directive);
            char buffer[128];
            out.append(buffer, std::strftime(buffer, sizeof buffer, directive.c_str(), &now));
        }
        if (out.size() > 65536) refuse("strftime: the format makes more than 64 KiB");
    }
    return out;
}

}  // namespace quern::text::jinja
