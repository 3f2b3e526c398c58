"""Tool-calling tasks in the Hermes form: schemas in the system turn, calls as <tool_call> JSON.

Two sources of tools: everyday families with natural requests, and tools made up on the spot, whose
names, parameters and values exist nowhere but in the prompt, so that they have to be copied from it.
"""

from chat import call_text, to_json
from stories import article, person
from tasks import Sample, addition, distinct, question, random_word, syllables
from words import (CITIES, COLOURS, DAYS, FOODS, HELD_OUT_NOUNS, HELD_OUT_VERBS, NOUNS, OBJECTS, PLACES, VERBS, pick)


def schema(name, description, properties, required, rng=None):
    parameters = {"type": "object", "properties": properties, "required": required}
    if rng is not None and rng.random() < 0.15:
        parameters["additionalProperties"] = False
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


def text(description):
    return {"type": "string", "description": description}


def whole(description):
    return {"type": "integer", "description": description}


def file_name(rng):
    stem = rng.choice([rng.choice(NOUNS), rng.choice(OBJECTS), syllables(rng, 2)])
    folder = rng.choice(["", "", "src/", "docs/", rng.choice(NOUNS) + "/", "./", "/home/" + rng.choice(NOUNS) + "/"])
    return folder + stem + rng.choice([".txt", ".md", ".py", ".json", ".cpp", ".h", ".csv"])


def phrase(rng, held_out, most=4, nouns=()):
    return " ".join(random_word(rng, held_out, nouns) for _ in range(rng.randint(1, most)))


# Each family: returns (schema, request, arguments, result text, answer after the result).
def weather(rng, held):
    city = pick(rng, CITIES, held)
    degrees = rng.randint(-5, 35)
    name = rng.choice(["get_weather", "weather", "current_weather"])
    key = rng.choice(["city", "location"])
    request = rng.choice([f"What is the weather in {city}?", f"How is the weather in {city}?", f"Weather in {city}, please.",
                          f"What is the weather like in {city} today?"])
    result = rng.choice([to_json({"temperature": degrees}), f"{degrees} degrees", f"{degrees} C"])
    return (schema(name, "Get the weather of a city", {key: text("The city")}, [key]), request, {key: city}, result,
            f"It is {degrees} degrees in {city}.")


def clock(rng, held):
    city = pick(rng, CITIES, held)
    time = f"{rng.randint(0, 23):02d}:{rng.randint(0, 59):02d}"
    return (schema("get_time", "Get the current time in a city", {"city": text("The city")}, ["city"]),
            rng.choice([f"What time is it in {city}?", f"Tell me the time in {city}."]), {"city": city}, time,
            f"It is {time} in {city}.")


def calculator(rng, held):
    a, b, op = rng.randint(100, 999), rng.randint(2, 999), rng.choice("+-*")
    value = {"+": a + b, "-": a - b, "*": a * b}[op]
    expression = f"{a} {op} {b}"
    if rng.random() < 0.4:
        return (schema("add", "Add two numbers", {"a": whole("First number"), "b": whole("Second number")}, ["a", "b"]),
                rng.choice([f"Add {a} and {b}.", f"Use the tool to add {a} and {b}."]), {"a": a, "b": b}, str(a + b),
                f"The result is {a + b}.")
    return (schema(rng.choice(["calculate", "calculator"]), "Compute an expression", {"expression": text("The expression")},
                   ["expression"]),
            rng.choice([f"Calculate {expression}.", f"Use the calculator: {expression}"]), {"expression": expression},
            str(value), f"The result is {value}.")


def read_file(rng, held):
    path, content = file_name(rng), phrase(rng, held, 8)
    name = rng.choice(["read_file", "read", "cat_file", "open_file"])
    key = rng.choice(["path", "file", "filename", "file_path"])
    return (schema(name, "Read a file", {key: text("Path of the file")}, [key]),
            rng.choice([f"Read {path}.", f"What is in {path}?", f"Show me the file {path}.", f"Read the file {path}."]),
            {key: path}, content, f"The file {path} says: {content}")


def write_file(rng, held):
    path, content = file_name(rng), phrase(rng, held, 6)
    name = rng.choice(["write_file", "write", "save_file", "create_file"])
    key = rng.choice(["path", "file", "file_path"])
    return (schema(name, "Write text to a file", {key: text("Path of the file"), "content": text("The text to write")},
                   [key, "content"]),
            rng.choice([f"Write \"{content}\" to {path}.", f"Write {content} to {path}.",
                        f"Create the file {path} with the content \"{content}\".", f"Save \"{content}\" in {path}."]),
            {key: path, "content": content}, rng.choice(["ok", "done", f"wrote {len(content)} bytes"]),
            f"I wrote the text to {path}.")


def command(rng, held):
    line = rng.choice([f"ls {rng.choice(NOUNS)}", "ls", "pwd", "date", f"cat {file_name(rng)}", "make test", "git status",
                       f"echo {phrase(rng, held, 3)}", f"mkdir {rng.choice(NOUNS)}", f"rm {file_name(rng)}",
                       f"grep {random_word(rng, held)} {file_name(rng)}"])
    result = phrase(rng, held, 6)
    name = rng.choice(["bash", "run_command", "shell", "run"])
    key = rng.choice(["command", "cmd"])
    return (schema(name, "Run a shell command", {key: text("The command")}, [key]),
            rng.choice([f"Run {line}", f"Run the command {line}", f"Run: {line}", f"Run `{line}`."]), {key: line}, result,
            f"The output is: {result}")


def list_files(rng, held):
    folder = pick(rng, NOUNS, held)
    files = "\n".join(file_name(rng).split("/")[-1] for _ in range(rng.randint(1, 4)))
    name = rng.choice(["list_files", "list_dir", "ls"])
    return (schema(name, "List the files of a folder", {"path": text("The folder")}, ["path"]),
            rng.choice([f"List the files in {folder}.", f"Which files are in {folder}?", f"What is in the folder {folder}?"]),
            {"path": folder}, files, "The files are: " + files.replace("\n", ", "))


def search(rng, held):
    query = phrase(rng, held, 4)
    found = phrase(rng, held, 6)
    name = rng.choice(["search", "web_search", "search_web", "find"])
    return (schema(name, "Search the web", {"query": text("What to search for")}, ["query"]),
            rng.choice([f"Search for {query}.", f"Search the web for {query}.", f"Find {query}.", f"Look up {query}."]),
            {"query": query}, found, f"I found: {found}")


def mail(rng, held):
    n, subject = person(rng, held), phrase(rng, held, 3)
    address = n.lower() + "@" + syllables(rng, 2) + rng.choice([".com", ".org", ".net"])
    return (schema("send_email", "Send an email", {"to": text("The address"), "subject": text("The subject")},
                   ["to", "subject"]),
            rng.choice([f"Send an email to {address} with the subject {subject}.",
                        f"Mail {address}. The subject is \"{subject}\"."]), {"to": address, "subject": subject}, "sent",
            f"I sent the email to {address}.")


def timer(rng, held):
    minutes = rng.randint(1, 90)
    return (schema("set_timer", "Set a timer", {"minutes": whole("How long")}, ["minutes"]),
            rng.choice([f"Set a timer for {minutes} minutes.", f"Wake me in {minutes} minutes."]), {"minutes": minutes},
            "ok", f"The timer is set for {minutes} minutes.")


def event(rng, held):
    title, day, hour = phrase(rng, held, 2), rng.choice(DAYS), rng.randint(8, 20)
    return (schema("create_event", "Create an event in the calendar",
                   {"title": text("The title"), "day": {"type": "string", "enum": DAYS}, "hour": whole("Start hour")},
                   ["title", "day", "hour"]),
            rng.choice([f"Create the event {title} on {day} at {hour}.", f"Put {title} in my calendar on {day} at {hour}."]),
            {"title": title, "day": day, "hour": hour}, "created", f"The event {title} is in your calendar.")


def light(rng, held):
    room, on = rng.choice(["kitchen", "hall", "bedroom", "garden", "office", "bath"]), rng.random() < 0.5
    return (schema("set_light", "Turn a light on or off", {"room": text("The room"), "on": {"type": "boolean"}}, ["room", "on"]),
            rng.choice([f"Turn {'on' if on else 'off'} the light in the {room}.",
                        f"Turn the {room} light {'on' if on else 'off'}."]), {"room": room, "on": on}, "ok",
            f"The light in the {room} is {'on' if on else 'off'}.")


def translate(rng, held):
    words, language = phrase(rng, held, 3), rng.choice(["French", "German", "Spanish", "Italian", "Polish"])
    result = phrase(rng, held, 3)
    return (schema("translate", "Translate a text", {"text": text("The text"), "language": text("The language")},
                   ["text", "language"]),
            rng.choice([f"Translate \"{words}\" to {language}.", f"Translate {words} into {language}."]),
            {"text": words, "language": language}, result, f"The translation is: {result}")


def shop(rng, held):
    item, count = pick(rng, FOODS + OBJECTS, held), rng.randint(1, 20)
    return (schema("order_item", "Order something from the shop", {"item": text("What to order"), "count": whole("How many")},
                   ["item", "count"]),
            rng.choice([f"Order {count} of the item {item}.", f"Order {item}, {count} pieces."]),
            {"item": item, "count": count}, "ordered", f"I ordered {count} of the item {item}.")


def rename(rng, held):
    old, new = file_name(rng), file_name(rng)
    name = rng.choice(["rename_file", "move_file", "copy_file"])
    verb, keys = name.split("_")[0], rng.choice([("source", "target"), ("path", "new_path"), ("old", "new")])
    return (schema(name, f"{verb.capitalize()} a file", {keys[0]: text("The file"), keys[1]: text("The other name")}, list(keys)),
            rng.choice([f"{verb.capitalize()} {old} to {new}.", f"{verb.capitalize()} the file {old} to {new}."]),
            {keys[0]: old, keys[1]: new}, "ok", "It is done.")


def trip(rng, held):
    a, b = pick(rng, CITIES, held), pick(rng, CITIES, held)
    keys = rng.choice([("start", "end"), ("departure", "arrival"), ("here", "there")])
    return (schema("plan_trip", "Plan a trip", {keys[0]: text("First city"), keys[1]: text("Last city")}, list(keys)),
            rng.choice([f"Plan a trip from {a} to {b}.", f"I want to go from {a} to {b}."]), {keys[0]: a, keys[1]: b}, "ok",
            "The trip is planned.")


def rent(rng, held):
    place, days = pick(rng, CITIES + PLACES, held), rng.randint(2, 30)
    return (schema("rent_car", "Rent a car", {"place": text("Where"), "days": whole("How long")}, ["place", "days"]),
            rng.choice([f"Rent a car in {place} for {days} days.", f"Rent a car for {days} days in the town {place}."]),
            {"place": place, "days": days}, "ok", "The car is yours.")


def route(rng, held):
    """Held out: never trained on."""
    a, b = rng.sample(CITIES, 2)
    return (schema("measure_distance", "Measure the distance between two places",
                   {"origin": text("Start"), "goal": text("End")}, ["origin", "goal"]),
            f"Measure the distance from {a} to {b}.", {"origin": a, "goal": b}, "120 km", f"The distance is 120 km.")


def table(rng, held):
    """Held out: never trained on."""
    place, people = rng.choice(PLACES), rng.randint(2, 9)
    return (schema("book_table", "Book a table in a restaurant", {"restaurant": text("Its name"), "people": whole("Guests")},
                   ["restaurant", "people"]),
            f"Book a table for {people} people in the restaurant {place}.", {"restaurant": place, "people": people}, "ok",
            "The table is booked.")


FAMILIES = [weather, clock, calculator, read_file, write_file, command, list_files, search, mail, timer, event, light,
            translate, shop, rename, trip, rent]
HELD_OUT_FAMILIES = [route, table]


# ---------------------------------------------------------------- tools made up on the spot
def palette(rng, held_out):
    """The verbs and nouns of one prompt: few, so that several tools, parameters and values share them."""
    if held_out:
        return HELD_OUT_VERBS, HELD_OUT_NOUNS
    return ([pick(rng, VERBS) for _ in range(rng.randint(2, 10))], [pick(rng, NOUNS) for _ in range(rng.randint(3, 14))])


def value_maker(rng, held_out, nouns):
    """(property of a schema, function that draws a value and how the user says it)."""
    kind = rng.random()
    if kind < 0.3:
        digits = rng.randint(1, 4)

        def draw():
            value = rng.randint(0, 10 ** digits)
            return value, str(value)
        return {"type": "integer"}, draw
    if kind < 0.36:
        def draw():
            value = round(rng.uniform(0, 50), 1)
            return value, str(value)
        return {"type": "number"}, draw
    if kind < 0.44:
        return {"type": "boolean"}, lambda: rng.choice([(True, "true"), (False, "false")])
    if kind < 0.54:
        choices = distinct(rng, COLOURS + FOODS, rng.randint(2, 4), held_out)
        return {"type": "string", "enum": choices}, lambda: (rng.choice(choices),) * 2
    quoted, is_file = rng.random() < 0.4, rng.random() < 0.15

    def draw():
        value = file_name(rng) if is_file else phrase(rng, held_out, 3, nouns)
        return value, f'"{value}"' if quoted else value
    return {"type": "string"}, draw


def parameter(rng, held_out, nouns):
    """(name, property, draw) as in `value_maker`."""
    name = rng.choice(nouns) if rng.random() < 0.6 else pick(rng, NOUNS, held_out)
    if rng.random() < 0.3:
        name = syllables(rng, rng.randint(1, 3))
    if rng.random() < 0.15:
        name += "_" + rng.choice(["id", "name", "count", "size", rng.choice(NOUNS)])
    spec, draw = value_maker(rng, held_out, nouns)
    if rng.random() < 0.5:
        spec["description"] = rng.choice(["The {}", "Which {}", "{} to use", "The {} to set"]).format(name.replace("_", " "))
    return name, spec, draw


def made_up_tool(rng, held_out, words, plain=False):
    """(schema, function that draws a request and the arguments it asks for); plain tools take no arguments."""
    verb, noun = rng.choice(words[0]), rng.choice(words[1])
    kind = rng.random()
    if kind < 0.55:
        name = f"{verb}_{noun}"
    elif kind < 0.7:
        name = verb + noun.capitalize()
    elif kind < 0.85:
        name = syllables(rng, rng.randint(2, 3))
    else:
        name = syllables(rng, 2) + "_" + syllables(rng, 2)
    action = f"{verb} the {noun}"
    chosen = {}
    for _ in range(0 if plain else rng.choice([0, 1, 1, 2, 2, 3, 4])):
        p = parameter(rng, held_out, words[1])
        chosen.setdefault(p[0], p)
    properties = {p[0]: p[1] for p in chosen.values()}
    optional = rng.choice(list(properties)) if len(properties) > 1 and rng.random() < 0.25 else None
    required = [p for p in properties if p != optional]

    def draw():
        given = [(p[0], *p[2]()) for p in chosen.values() if p[0] != optional or rng.random() < 0.3]
        said = rng.choice(["{} {}", "{} = {}", "{}: {}", "the {} {}", "the {} is {}"])
        listed = rng.choice([" and ", ", "]).join(said.format(p, text) for p, _, text in given)
        if rng.random() < 0.5:
            request = rng.choice([f"Call {name}", f"Use {name}", f"Use the tool {name}", f"Please call {name}"])
        else:
            request = rng.choice([action.capitalize(), "Please " + action, "Can you " + action])
        request += (rng.choice([" with ", ": ", " using "]) + listed if listed else "") + rng.choice([".", "", "."])
        return request, {p: value for p, value, _ in given}

    spec = schema(name, action.capitalize(), properties, required, rng)
    if rng.random() < 0.1:
        del spec["function"]["parameters"]["required"]
    return spec, draw


def pick_tools(rng, held_out, size):
    """(schemas, request, call, result text, answer after it) for one tool among others, and the others' calls."""
    offered, actions, more, words = {}, set(), [], palette(rng, held_out)
    for index in range(1 + rng.randint(0, 1 + int(3 * size))):
        draw = None
        if rng.random() < (0.15 if held_out and index == 0 else 0.4):
            families = HELD_OUT_FAMILIES if held_out and index == 0 else FAMILIES
            spec, request, arguments, result, after = rng.choice(families)(rng, held_out)
        else:
            spec, draw = made_up_tool(rng, held_out, words)
            request, arguments = draw()
            value = phrase(rng, held_out, 3)
            result, after = rng.choice([(value, f"The result is: {value}"), ("ok", "It is done."), ("done", "It is done."),
                                        (to_json({"result": value}), f"The result is: {value}")])
        name, action = spec["function"]["name"], spec["function"]["description"]
        if name in offered or action in actions:  # what the request means has to be clear
            continue
        actions.add(action)
        offered[name] = (spec, request, {"name": name, "arguments": arguments}, result, after)
        if not held_out and draw:
            more += [(r, {"name": name, "arguments": a}) for r, a in (draw() for _ in range(3))]
    chosen, *others = offered.values()
    tools = [spec for spec, *_ in offered.values()]
    rng.shuffle(tools)
    more += [(request, call) for _, request, call, _, _ in others]
    rng.shuffle(more)
    return tools, *chosen[1:], more


def tool_call(rng, held_out, size):
    tools, request, call, _, _, others = pick_tools(rng, held_out, size)
    calls, more = [call], []
    if others and not held_out and rng.random() < 0.12:
        second, other = others.pop()
        calls.append(other)
        request = request.rstrip(".") + ". Then " + second[0].lower() + second[1:]
    if not held_out:
        more = [(r, call_text(c), f"I call {c['name']}.") for r, c in others[:8]]
    thought = "I call " + " and ".join(c["name"] for c in calls) + "."
    return Sample("tool", [{"role": "user", "content": request}], "", thought, tools=tools, calls=calls, more=more)


def tool_choice(rng, held_out, size):
    """Many tools without arguments, many requests: which one is meant."""
    offered, actions, words = {}, set(), palette(rng, held_out)
    while len(offered) < 2 or rng.random() < 0.7 and len(offered) < 7:
        spec, draw = made_up_tool(rng, held_out, words, plain=True)
        if spec["function"]["description"] not in actions:
            offered.setdefault(spec["function"]["name"], (spec, draw))
            actions.add(spec["function"]["description"])
    turns = []
    for _ in range(rng.randint(8, 14)):
        name = rng.choice(list(offered))
        turns.append((offered[name][1]()[0], {"name": name, "arguments": {}}))
    (request, call), *more = turns
    return Sample("tool_choice", [{"role": "user", "content": request}], "", f"I call {call['name']}.",
                  tools=[spec for spec, _ in offered.values()], calls=[call],
                  more=[(r, call_text(c), f"I call {c['name']}.") for r, c in more])


def tool_result(rng, held_out, size):
    """The answer once the tool has replied."""
    tools, request, call, result, after, _ = pick_tools(rng, held_out, size * 0.5)
    if rng.random() < 0.08:
        result = "error: " + phrase(rng, held_out, 3)
        after = "The tool reported an " + result
    assistant = {"role": "assistant", "content": "", "tool_calls": [call]}
    if rng.random() < 0.4:
        assistant["reasoning_content"] = f"I call {call['name']}."
    messages = [{"role": "user", "content": request}, assistant, {"role": "tool", "content": result}]
    return Sample("tool_result", messages, after, "The tool has answered.", tools=tools)


def no_tool(rng, held_out, size):
    """Tools are offered, but the user wants something else."""
    sample = (addition if rng.random() < 0.3 else question)(rng, held_out, size)
    sample.tools = pick_tools(rng, held_out, size * 0.5)[0]
    sample.task = "no_tool"
    return sample
