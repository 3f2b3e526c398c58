#include "text/grammar/formats.h"

#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <mutex>
#include <string>

#include "base/error.h"
#include "text/grammar/regex.h"

namespace quern::grammar {
namespace {

// RFC 3339, with the days that each month has; year 0 does not exist.
#define YEAR "(?:[1-9]\\d{3}|0[1-9]\\d{2}|00[1-9]\\d|000[1-9])"
#define LEAP_YEAR "(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)"
#define DATE                                                                                                         \
    "(?:" YEAR                                                                                                       \
    "-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|02-(?:0[1-9]|1\\d|2[0-8]))" \
    "|" LEAP_YEAR "-02-29)"
#define TIME "(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d+)?(?:[Zz]|[+-](?:[01]\\d|2[0-3]):[0-5]\\d)"
#define DURATION_TIME "T(?:\\d+H(?:\\d+M(?:\\d+S)?)?|\\d+M(?:\\d+S)?|\\d+S)"
#define HOST_LABEL "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
#define DOMAIN_LABEL "[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
#define DOMAIN DOMAIN_LABEL "(?:\\." DOMAIN_LABEL ")*"  // of any length: fewer states
#define HOST HOST_LABEL "(?:\\." HOST_LABEL ")*"
#define ATOM "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
#define OCTET "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)"
#define IPV4 OCTET "(?:\\." OCTET "){3}"
#define H16 "[0-9A-Fa-f]{1,4}"
#define LS32 "(?:" H16 ":" H16 "|" IPV4 ")"
#define IPV6                                                                                                         \
    "(?:(?:" H16 ":){6}" LS32 "|::(?:" H16 ":){5}" LS32 "|(?:" H16 ")?::(?:" H16 ":){4}" LS32 "|(?:(?:" H16          \
    ":){0,1}" H16 ")?::(?:" H16 ":){3}" LS32 "|(?:(?:" H16 ":){0,2}" H16 ")?::(?:" H16 ":){2}" LS32 "|(?:(?:" H16    \
    ":){0,3}" H16 ")?::" H16 ":" LS32 "|(?:(?:" H16 ":){0,4}" H16 ")?::" LS32 "|(?:(?:" H16 ":){0,5}" H16 ")?::" H16 \
    "|(?:(?:" H16 ":){0,6}" H16 ")?::)"
// RFC 3986.
#define PCHAR "(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
#define SEGMENT_NO_COLON "(?:[A-Za-z0-9._~!$&'()*+,;=@-]|%[0-9A-Fa-f]{2})+"
#define REG_NAME "(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*"
#define AUTHORITY "(?:(?:[A-Za-z0-9._~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})*@)?(?:\\[" IPV6 "\\]|" REG_NAME ")(?::\\d*)?"
#define SEGMENTS "(?:/" PCHAR "*)*"
#define ROOTED "/(?:" PCHAR "+" SEGMENTS ")?"
#define TAIL "(?:\\?(?:" PCHAR "|[/?])*)?(?:#(?:" PCHAR "|[/?])*)?"
#define URI "[A-Za-z][A-Za-z0-9+.-]*:(?://" AUTHORITY SEGMENTS "|" ROOTED "|" PCHAR "+" SEGMENTS "|)" TAIL
#define RELATIVE "(?://" AUTHORITY SEGMENTS "|" ROOTED "|" SEGMENT_NO_COLON SEGMENTS "|)" TAIL
#define JSON_POINTER "(?:/(?:[^/~]|~[01])*)*"

constexpr std::uint64_t no_maximum = std::numeric_limits<std::uint64_t>::max();

struct Format {
    std::string_view name, pattern;
    std::uint64_t max_length = no_maximum;
};

constexpr std::array formats{
    Format{"date", DATE},
    Format{"time", TIME},
    Format{"date-time", DATE "[Tt]" TIME},
    Format{"duration",
           "P(?:\\d+W|(?:\\d+D|\\d+M(?:\\d+D)?|\\d+Y(?:\\d+M(?:\\d+D)?)?)(?:" DURATION_TIME ")?|" DURATION_TIME ")"},
    Format{"email", ATOM "(?:\\." ATOM ")*@" DOMAIN},
    Format{"hostname", HOST, 253},
    Format{"ipv4", IPV4},
    Format{"ipv6", IPV6},
    Format{"uuid", "[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"},
    Format{"uri", URI},
    Format{"uri-reference", "(?:" URI "|" RELATIVE ")"},
    Format{"json-pointer", JSON_POINTER},
    Format{"relative-json-pointer", "(?:0|[1-9]\\d*)(?:#|" JSON_POINTER ")"},
};

}  // namespace

// Each is worked out once; using it costs the size of its table.
Dfa format_dfa(std::string_view name, Budget& budget) {
    static std::mutex mutex;
    static std::map<std::string_view, Dfa> known;
    const auto format = std::find_if(formats.begin(), formats.end(), [&](const Format& f) { return f.name == name; });
    if (format == formats.end()) throw Error(Code::unsupported, "the format '{}' is not supported", name);
    const std::lock_guard lock(mutex);
    auto it = known.find(format->name);
    if (it == known.end()) {
        Budget own;
        Dfa dfa = regex_dfa(format->pattern, Match::whole, own);
        if (format->max_length != no_maximum) dfa = intersection(dfa, of_lengths(0, format->max_length, own), own);
        it = known.emplace(format->name, std::move(dfa)).first;
    }
    budget.spend(it->second.next.size());
    return it->second;
}

}  // namespace quern::grammar
