"""Word lists and small facts that all of Grist's training text is made of.

Owns every list; entries named HELD_OUT_* never occur in training text and feed the evaluation only.
A small model would rather know a short list by heart than copy from the prompt, so `pick` mixes words
into a list that are blended from all others and hardly ever come twice.
"""

NAMES = """Mara Tom Lena Otto Nina Felix Ida Paul Rosa Emil Clara Hugo Anna Leo Greta Max Ella Oskar Frida Karl
Sofia Ben Alma Noah Vera Finn Lily Jonas Maya Theo Ruth Adam Eva Simon Jana Peter Olga Henry Tilda Marco Sara
Victor Wanda Yusuf Zoe Amir Bella Carlos Dora Erik Fatima George Hanna Ivan Julia Kofi Laila Martin Nora Omar
Petra Quentin Rita Samuel Tara Ulla Viktor Walter Xenia Yara Zeno Alice Bruno Cora David Edith Frank Gina Harold
Iris Jack Kira Louis Mina Nils Oliver Pia Ralph Stella Tim""".split()
HELD_OUT_NAMES = """Agnes Boris Celia Dario Elsa Fabian Gloria Hector Ingrid Jasper Katya Lorenz Magda Nestor Odette
Pavel Renata Stefan Thea Ursula""".split()

ANIMALS = """fox cat dog bear rabbit mouse owl duck frog horse sheep goat wolf deer bird fish bee ant hen goose
turtle squirrel hedgehog beaver badger crow swan donkey snail otter""".split()
COLOURS = "red blue green yellow white black brown orange purple pink grey silver golden".split()
OBJECTS = """lamp key book box stone coin ring cup bell map rope basket hat shoe kite boat drum ball spoon candle
mirror feather button letter blanket hammer bottle wheel chair table clock brush ladder bucket pencil flute sack
shell crown broom""".split()
PLACES = """forest village river garden market mill hill lake bridge farm castle meadow harbour mountain valley
beach cave tower school library bakery field island pond orchard barn well road kitchen""".split()
FOODS = """bread apple cheese soup cake honey milk pear rice corn butter plum berry carrot potato onion nut egg salt
tea flour pie bean cherry porridge""".split()
JOBS = """baker miller farmer teacher sailor doctor tailor smith gardener fisher painter driver cook singer builder
shepherd carpenter writer pilot nurse""".split()
TRAITS = """small brave kind clever quiet happy old young curious gentle strong patient lonely cheerful careful
hungry tired proud shy friendly busy wise""".split()
WEATHER = "sunny rainy windy cloudy cold warm foggy snowy stormy dry".split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = "January February March April May June July August September October November December".split()
NUMBER_WORDS = """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
sixteen seventeen eighteen nineteen twenty""".split()

VERBS = """open close paint send find build move count check read write start stop list create delete update get set
add remove search book order clean lock fill mix cut wash plan call print load save show turn play rent sort draw
measure compare copy pack water feed fetch make run test watch wake lift push pull""".split()
NOUNS = """door file room light song user task note report image page house car train ticket table garden letter
message timer alarm window event price city street number color name title date level speed size weight length
volume color shape group team list item record server folder message engine score path address email phone topic
language country amount reason source target mode status label queue order key value text line word unit depth
width height angle limit rate zone color day hour minute month year plant tree fence wall roof bag parcel
meeting recipe dish drink seat floor camera sensor robot fan pump heater valve""".split()
HELD_OUT_VERBS = "rotate inspect polish schedule weigh greet translate repair collect trace".split()
HELD_OUT_NOUNS = """bicycle violin lantern glacier saddle magnet trumpet carpet compass tunnel rocket orchid
walnut anchor""".split()

ONSETS = "b d f g h k l m n p r s t v w z br dr gr kl pl sh st tr th".split()
VOWELS = "a e i o u".split()
CODAS = ["", "", "", "n", "r", "l", "s", "m", "k", "x", "nd", "rt"]

COMMON = """the a an and of to in is was it that he she they we you I had has have with for on at by from his her
their my your our one two three then there here when where what who why how not no yes but so because very all some
many more most other new good great little long last first next after before over under again still also only just
will would can could should may must do does did said says asked told made came went took gave saw found knew thought
looked walked ran lived wanted needed helped worked played home day night morning evening time year way thing things
people man woman child children world water fire wind earth sun moon star tree trees leaf leaves rain snow road hand
hands eye eyes head heart voice word words friend friends mother father brother sister question answer please thank
function functions name arguments type object string integer number boolean array properties required description
parameters true false null value values result error content path command query file text""".split()

STEMS = sorted({w.lower() for w in (*NAMES, *ANIMALS, *COLOURS, *OBJECTS, *PLACES, *FOODS, *JOBS, *TRAITS, *WEATHER,
                                    *MONTHS, *VERBS, *NOUNS, *COMMON)})
HELD_OUT = {w.lower() for w in (*HELD_OUT_NAMES, *HELD_OUT_VERBS, *HELD_OUT_NOUNS)}


def blend(rng):
    """The front of one word and the back of another; never a held-out word."""
    while True:
        word = rng.choice(STEMS)[:rng.randint(1, 4)] + rng.choice(STEMS)[-rng.randint(1, 5):]
        if len(word) > 2 and word not in HELD_OUT:
            return word


def pick(rng, words, held_out=False, share=0.6):
    """One of `words`; in training, more often than not, a blended word in its place."""
    if held_out or rng.random() > share:
        return rng.choice(words)
    return blend(rng).capitalize() if words[0][0].isupper() else blend(rng)


CAPITALS = {
    "France": "Paris", "Germany": "Berlin", "Italy": "Rome", "Spain": "Madrid", "Portugal": "Lisbon",
    "Austria": "Vienna", "Poland": "Warsaw", "Norway": "Oslo", "Sweden": "Stockholm", "Finland": "Helsinki",
    "Denmark": "Copenhagen", "Greece": "Athens", "Ireland": "Dublin", "Hungary": "Budapest", "Japan": "Tokyo",
    "China": "Beijing", "India": "New Delhi", "Egypt": "Cairo", "Kenya": "Nairobi", "Peru": "Lima",
    "Chile": "Santiago", "Cuba": "Havana", "Canada": "Ottawa", "Russia": "Moscow", "Turkey": "Ankara",
    "Iceland": "Reykjavik", "Belgium": "Brussels", "Switzerland": "Bern", "England": "London",
    "the United States": "Washington",
}
CITIES = sorted(CAPITALS.values()) + ["Hamburg", "Munich", "Boston", "Chicago", "Geneva", "Milan", "Porto", "Lyon"]

FACTS = [
    ("What colour is the sky?", "The sky is blue on a clear day."),
    ("What colour is grass?", "Grass is green."),
    ("What colour is snow?", "Snow is white."),
    ("What colour is a lemon?", "A lemon is yellow."),
    ("How many days are in a week?", "A week has seven days."),
    ("How many months are in a year?", "A year has twelve months."),
    ("How many hours are in a day?", "A day has 24 hours."),
    ("How many minutes are in an hour?", "An hour has 60 minutes."),
    ("How many legs does a spider have?", "A spider has eight legs."),
    ("How many legs does a dog have?", "A dog has four legs."),
    ("How many legs does an ant have?", "An ant has six legs."),
    ("How many wheels does a car have?", "A car has four wheels."),
    ("What do bees make?", "Bees make honey."),
    ("What do cows give?", "Cows give milk."),
    ("What do hens lay?", "Hens lay eggs."),
    ("What is ice?", "Ice is frozen water."),
    ("What is steam?", "Steam is water that has become a gas."),
    ("What is the opposite of hot?", "The opposite of hot is cold."),
    ("What is the opposite of big?", "The opposite of big is small."),
    ("What is the opposite of day?", "The opposite of day is night."),
    ("What is the opposite of up?", "The opposite of up is down."),
    ("What is the opposite of open?", "The opposite of open is closed."),
    ("What is the opposite of old?", "The opposite of old is young."),
    ("Where do fish live?", "Fish live in water."),
    ("Which animal barks?", "A dog barks."),
    ("Which animal says meow?", "A cat says meow."),
    ("Which season is the coldest?", "Winter is the coldest season."),
    ("Which season is the warmest?", "Summer is the warmest season."),
    ("What comes after Monday?", "Tuesday comes after Monday."),
    ("What comes after Friday?", "Saturday comes after Friday."),
    ("What comes after Sunday?", "Monday comes after Sunday."),
    ("Which month comes first?", "January is the first month."),
    ("Which planet do we live on?", "We live on the planet Earth."),
    ("Does the sun rise in the east?", "Yes, the sun rises in the east."),
    ("Can a fish fly?", "No, a fish lives in water and cannot fly."),
    ("Is fire hot?", "Yes, fire is hot."),
]

# topic: sentences that explain it, told in this order
EXPLAIN = {
    "a quern": ["A quern is a small stone mill for grinding grain at home.",
                "It has two round stones, one on top of the other.",
                "Grain goes in through a hole in the upper stone, and a hand turns the stone with a wooden handle.",
                "The grain is crushed between the stones and comes out at the edge as flour."],
    "a mill": ["A mill is a machine that grinds grain into flour.", "Water or wind turns a big wheel.",
               "The wheel turns a heavy stone, and the stone crushes the grain."],
    "bread": ["Bread is made from flour, water, salt and yeast.", "The dough is mixed and rests until it has risen.",
              "Then it is baked in a hot oven until the crust is brown."],
    "rain": ["Rain begins when the sun warms the water of seas and lakes.", "Some of the water rises into the air.",
             "High up it is cold, so the water turns into small drops and makes clouds.",
             "When the drops are heavy enough, they fall as rain."],
    "the moon": ["The moon goes around the earth about once a month.", "It has no light of its own.",
                 "We see it because the sun shines on it."],
    "the sun": ["The sun is a star, a very big ball of hot gas.", "It gives the earth light and warmth.",
                "Without it there would be no plants and no animals."],
    "a bridge": ["A bridge carries a road over a river or a valley.", "Its weight rests on strong pillars or arches.",
                 "Engineers test how much it can bear before people may use it."],
    "a clock": ["A clock shows the time.", "Inside it small wheels turn at an even speed.",
                "They move one hand for the hours and one hand for the minutes."],
    "a seed": ["A seed is the beginning of a new plant.", "It rests until it has water and warmth.",
               "Then a root grows down and a small stem grows up to the light."],
    "honey": ["Honey is made by bees.", "They collect sweet juice from flowers and carry it to the hive.",
              "There they dry it until it is thick, and store it for the winter."],
    "a computer": ["A computer is a machine that follows instructions.", "The instructions are called a program.",
                   "It works with numbers, and very quickly, so it can show text, pictures and sound."],
    "a language model": ["A language model is a program that continues text.",
                         "It reads the words so far and computes which word is likely to come next.",
                         "It learned this from many examples."],
    "a token": ["A token is a small piece of text, often a word or a part of a word.",
                "A language model reads and writes one token at a time."],
    "a router": ["In a mixture of experts, the router is a small layer that looks at each token.",
                 "It gives every expert a score.", "Only the experts with the best scores do the work."],
    "an expert": ["An expert is one of several small networks inside a layer.",
                  "Each token is sent to only a few of them, so the model can be large and still be quick."],
    "a river": ["A river begins at a spring in the hills.", "Small streams join it on the way down.",
                "At the end it flows into a lake or the sea."],
    "wind": ["Wind is air that moves.", "The sun warms some places more than others.",
             "Warm air rises, and colder air flows in to take its place."],
    "snow": ["Snow falls when clouds are very cold.", "The water in them freezes into small crystals.",
             "Many crystals together make a snowflake."],
    "a candle": ["A candle is a stick of wax with a string inside.", "The flame melts the wax.",
                 "The string draws the wax up, and the wax burns and gives light."],
    "paper": ["Paper is made from wood.", "The wood is cut into tiny pieces and cooked in water.",
              "The wet mass is spread out thin, pressed and dried."],
    "a library": ["A library is a place that keeps many books.", "People may read there or take books home.",
                  "After some weeks they bring them back, so that others can read them too."],
    "a file": ["A file holds data under a name.", "Files are kept in folders on a disk.",
               "A program can open a file, read it, change it and save it again."],
    "memory": ["Memory is where a computer keeps what it is working on.",
               "It is much quicker than a disk, but it is empty again when the power goes off."],
    "a test": ["A test runs a part of a program and checks the result.",
               "If the result is not what was expected, the test fails and shows where to look."],
}

SYSTEM_PROMPTS = [
    "You are a helpful assistant.", "You are Grist, a small language model.", "Answer briefly.",
    "You are a friendly assistant. Keep answers short.", "Be helpful and exact.",
    "You are a coding agent. Use the tools to work on files.", "You are a careful assistant. Do what the user asks.",
    "Answer the question of the user.", "You are an assistant in a test.",
    "You are an assistant that can use tools. Call a tool when it helps.",
]

GREETINGS = [
    ("Hello", "Hello! How can I help you?"), ("Hello!", "Hello! How can I help you?"),
    ("Hi", "Hi! What can I do for you?"), ("Hi there!", "Hi! What can I do for you?"),
    ("Good morning", "Good morning! How can I help you?"), ("Hey", "Hi! What can I do for you?"),
    ("Good evening!", "Good evening! How can I help you?"),
    ("How are you?", "I am well, thank you. How can I help you?"),
    ("Thank you", "You are welcome."), ("Thanks!", "You are welcome."), ("Goodbye", "Goodbye!"),
    ("Who are you?", "I am Grist, a very small language model that comes with Quern."),
    ("What is your name?", "My name is Grist."),
    ("What are you?", "I am Grist, a very small language model that comes with Quern."),
    ("What can you do?", "I can tell short stories, answer simple questions, add numbers, sort lists, "
                         "write JSON and call tools."),
    ("Are you a person?", "No, I am a small language model."),
    ("Say hello.", "Hello!"), ("Say hi.", "Hi!"), ("Ping", "Pong"), ("Are you there?", "Yes, I am here."),
    ("What is Quern?", "Quern is a program that runs language models on your own machine."),
    ("What is Grist?", "Grist is the small language model that comes with Quern."),
    ("Test", "The test works."), ("This is a test.", "The test works."),
]
