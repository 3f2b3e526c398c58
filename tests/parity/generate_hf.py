#!/usr/bin/env python3
"""Makes tests/parity/hf: small complete Hugging Face directories for the converter, with golden tokens and logits.

    python3 generate_hf.py [--out hf]

Weights come from the hash of hash_weights.py but are stored, since what is tested is reading them: BF16 and F16, shards
with an index, padded vocabularies. Tokenizers are trained here on the text below. Beside each directory NAME stand
NAME.golden.json (strings -> ids, a rendered chat) and NAME.golden.safetensors (ids -> logits); they are outside so that a
directory looks exactly like a published model.
"""

import argparse
import io
import json
import pathlib
import shutil

import numpy as np
import sentencepiece
import torch
import transformers
from safetensors.torch import save_file as save_torch
from safetensors.numpy import save_file as save_numpy
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from generate import exact, forward, spec, tensor_shapes, to_v4
from hash_weights import bits24, values

TEXT = """
A quern is a pair of stones for grinding grain by hand. The lower stone stays, the upper one turns, and the flour runs out
between them. The miller pours the wheat into the eye of the stone, a handful at a time, and turns the handle: the wheat
becomes meal, the meal becomes flour, and the flour becomes bread. Nothing is wasted, and nothing is hurried.
def grind(grain, stones=2):
    for kernel in grain:
        yield stones * kernel
int main(void) { return 0; } // 1234567890
The stones of the north are of schist and gneiss; the stones of the south are of lava. In 1850, 2 of every 3 houses had one.
Der Müller mahlt das Korn, und das Mehl fällt in den Trog. Le moulin tourne, l'eau coule, la farine tombe.
Мельник мелет зерно. 石臼で小麦を挽く。 It's what we've got; they'll say I'm wrong, won't they? "Yes," she said -- "no."
""".strip().split("\n")

STRINGS = [
    "", "a", " ", "  ", "\n", "\n\n", " \n", "\t", "The stone turns.", " The stone turns.", "the  wheat   and the    meal",
    "grain\n\n\nflour\n", "It's they'll WE'VE I'M", "1", "12", "123", "1234", "1234567890", "3.14159", "x = 2 * (y + 1);",
    "def grind(grain):\n    yield grain\n", "Müller mahlt Mehl", "Mu\u0308ller", "Мельник", "石臼で小麦を挽く。", "🌾🌾 and 👩‍🌾",
    "a\u00a0b\u3000c", "...!?--\"'", "\r\n\r\n", "tabs\tand  \t spaces  ", "ﬁ①", "\u200bzero", "e\u0301e", "trailing space ",
]
CHAT = [{"role": "system", "content": "You grind."}, {"role": "user", "content": "How many stones?"},
        {"role": "assistant", "content": "Two."}, {"role": "user", "content": "  Why? \n"}]
CHATML = ("{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + "
          "'\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}")
HEADERS = ("{{ bos_token }}{% for message in messages %}{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' "
           "+ message['content'] | trim + '<|eot_id|>' }}{% endfor %}{% if add_generation_prompt %}"
           "{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}")

# The published splitting patterns of Qwen2 and Llama 3, facts of their formats.
QWEN2_SPLIT = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"
               r"\s+(?!\S)|\s+")
LLAMA3_SPLIT = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"
                r"\s+(?!\S)|\s+")


def write_json(path, value):
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def write_golden(path, value):
    """The same, one line for each entry of a list."""
    parts = []
    for key, entry in value.items():
        text = json.dumps(entry, ensure_ascii=False)
        if isinstance(entry, list):
            text = "[\n    " + ",\n    ".join(json.dumps(e, ensure_ascii=False) for e in entry) + "\n  ]"
        parts.append(f"  {json.dumps(key)}: {text}")
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")


def added(id_to_token):
    """added_tokens_decoder of tokenizer_config.json: {id: (text, special)}."""
    return {str(i): {"content": text, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False,
                     "special": special} for i, (text, special) in id_to_token.items()}


def byte_bpe(directory, split, specials, nfc, bos=None):
    """A byte-level BPE of 256 bytes and 60 merges, then `specials` [(text, special)]. Returns its added tokens by id."""
    tokenizer = Tokenizer(models.BPE(ignore_merges=bos is not None))
    if nfc:
        tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(split), behavior="isolated", invert=False),
        pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)
    trainer = trainers.BpeTrainer(vocab_size=316, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
                                  show_progress=False)
    tokenizer.train_from_iterator(TEXT, trainer)
    for text, special in specials:
        add = tokenizer.add_special_tokens if special else tokenizer.add_tokens
        add([AddedToken(text, special=special, normalized=False)])
    byte_level = processors.ByteLevel(add_prefix_space=False, trim_offsets=bos is not None, use_regex=False)
    tokenizer.post_processor = byte_level
    if bos is not None:
        template = processors.TemplateProcessing(single=f"{bos} $A", pair=f"{bos} $A {bos}:1 $B:1",
                                                 special_tokens=[(bos, tokenizer.token_to_id(bos))])
        tokenizer.post_processor = processors.Sequence([byte_level, template])
    tokenizer.save(str(directory / "tokenizer.json"))
    return {tokenizer.token_to_id(text): (text, special) for text, special in specials}


def spm(directory):
    """A sentencepiece BPE model with byte fallback, as Llama 2 has. Trained in memory: a file name would be stored in it."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(TEXT * 4), model_writer=model, model_type="bpe", vocab_size=400, byte_fallback=True,
        split_digits=True, normalization_rule_name="identity", character_coverage=0.98, remove_extra_whitespaces=False,
        allow_whitespace_only_pieces=True, add_dummy_prefix=True, unk_id=0, bos_id=1, eos_id=2, pad_id=-1, minloglevel=2)
    (directory / "tokenizer.model").write_bytes(model.getvalue())


def weights(directory, entry, dtype, shards=1, seed=7):
    """Writes config.json and the weights, rounded to dtype, in one file or in shards with an index."""
    config = entry["make"]()
    text = json.loads(config.to_json_string(use_diff=True))
    text["dtype"] = str(dtype).split(".")[1]
    if entry["dialect"] == "v4":
        text = to_v4(text)
    write_json(directory / "config.json", text)
    tensors = {}
    for name, shape in tensor_shapes(entry).items():
        offset, scale = (exact(x) for x in spec(name, shape, config.hidden_size, config, entry["cls"]))
        tensors[name] = torch.from_numpy(values(name, seed, shape, offset, scale)).to(dtype)
    if shards == 1:
        save_torch(tensors, directory / "model.safetensors", metadata={"format": "pt"})
        return
    names = sorted(tensors)
    weight_map = {}
    for s in range(shards):
        file = f"model-{s + 1:05d}-of-{shards:05d}.safetensors"
        part = names[s * len(names) // shards:(s + 1) * len(names) // shards]
        save_torch({name: tensors[name] for name in part}, directory / file, metadata={"format": "pt"})
        weight_map.update({name: file for name in part})
    total = sum(t.numel() * t.element_size() for t in tensors.values())
    write_json(directory / "model.safetensors.index.json",
               {"metadata": {"total_size": total}, "weight_map": weight_map})


def golden(directory, entry, vocab, special_strings, reference, source):
    """Golden tokens by `reference` (text -> ids, without bos or eos), chat by transformers, logits by transformers."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
    tokens = [{"text": text, "ids": reference(text)} for text in STRINGS]
    disagree = [t["text"] for t in tokens if tokenizer.encode(t["text"], add_special_tokens=False) != t["ids"]]
    special = [{"text": text, "ids": tokenizer.encode(text, add_special_tokens=False)} for text in special_strings]
    chats = [{"add_generation_prompt": flag, "messages": CHAT,
              "text": tokenizer.apply_chat_template(CHAT, tokenize=False, add_generation_prompt=flag)}
             for flag in (False, True)]
    with_bos = tokenizer.encode("The stone turns.")
    for seed in range(1, 100):
        ids = (bits24("prompt/" + directory.name, seed, 48) % vocab).astype(np.int32)
        logits, gap = forward(directory, entry["cls"], ids)
        best = np.sort(logits, axis=-1)
        if (best[:, -1] - best[:, -2]).min() > 5e-3 and gap > 2e-3:
            break
    else:
        raise SystemExit(f"{directory.name}: no prompt without near ties")
    save_numpy({"ids": ids, "logits": logits.astype(np.float32)}, f"{directory}.golden.safetensors")
    write_golden(pathlib.Path(f"{directory}.golden.json"), {
        "tokens_by": source, "tokens": tokens, "special_by": "transformers", "special": special,
        "encode_with_special_tokens": [{"text": "The stone turns.", "ids": with_bos}], "chats": chats})
    size = sum(f.stat().st_size for f in directory.iterdir())
    print(f"{directory.name:20s} {size // 1024} KB, {len(tokens)} strings; transformers' tokenizer differs on {disagree}; "
          f"with special tokens: {with_bos[:4]}", flush=True)


def family(cls, dialect="v5", **config):
    kind = getattr(transformers, cls)

    def make_config():
        made = kind.config_class(**json.loads(json.dumps(config)), dtype="float32")
        made.architectures = [cls]
        return made

    return dict(cls=cls, config=config, dialect=dialect, make=make_config)


def fresh(out, name):
    directory = out / name
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    return directory


def by_tokenizer_json(directory):
    tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
    return lambda text: tokenizer.encode(text, add_special_tokens=False).ids


def qwen3(out):
    d = fresh(out, "qwen3")
    chat = [("<|endoftext|>", True), ("<|im_start|>", True), ("<|im_end|>", True), ("<think>", False), ("</think>", False)]
    ids = byte_bpe(d, QWEN2_SPLIT, chat, nfc=True)
    start = min(ids)
    write_json(d / "tokenizer_config.json", {
        "add_bos_token": False, "add_prefix_space": False, "added_tokens_decoder": added(ids),
        "additional_special_tokens": ["<|im_start|>", "<|im_end|>"], "bos_token": None, "chat_template": CHATML,
        "clean_up_tokenization_spaces": False, "eos_token": "<|im_end|>", "errors": "replace",
        "model_max_length": 256, "pad_token": "<|endoftext|>", "split_special_tokens": False,
        "tokenizer_class": "Qwen2Tokenizer", "unk_token": None})
    write_json(d / "generation_config.json", {
        "bos_token_id": start, "do_sample": True, "eos_token_id": [start + 2, start], "pad_token_id": start,
        "temperature": 0.6, "top_k": 20, "top_p": 0.95, "transformers_version": "4.51.0"})
    entry = family("Qwen3ForCausalLM", "v4", vocab_size=336, hidden_size=64, intermediate_size=96, num_hidden_layers=2,
                   num_attention_heads=4, num_key_value_heads=2, head_dim=32, max_position_embeddings=256,
                   tie_word_embeddings=True, bos_token_id=start, eos_token_id=start + 2,
                   rope_parameters=dict(rope_type="default", rope_theta=1000000.0))
    weights(d, entry, torch.bfloat16, shards=3)
    special = ["<|im_start|>user\nHow?<|im_end|>\n", "a<|endoftext|>b", "<think>\n\n</think>\n\nTwo.", "<|im_start|", "<think"]
    golden(d, entry, start + len(chat), special, by_tokenizer_json(d), "tokenizers")


def llama_spm(out):
    d = fresh(out, "llama_spm")
    spm(d)
    tokens = {0: ("<unk>", True), 1: ("<s>", True), 2: ("</s>", True), 400: ("<|im_start|>", True),
              401: ("<|im_end|>", True), 402: ("<tool>", False)}
    write_json(d / "tokenizer_config.json", {
        "add_bos_token": True, "add_eos_token": False, "added_tokens_decoder": added(tokens), "bos_token": "<s>",
        "chat_template": CHATML, "clean_up_tokenization_spaces": False, "eos_token": "</s>", "legacy": False,
        "model_max_length": 256, "pad_token": None, "sp_model_kwargs": {}, "tokenizer_class": "LlamaTokenizer",
        "unk_token": "<unk>", "use_default_system_prompt": False})
    write_json(d / "generation_config.json", {"bos_token_id": 1, "eos_token_id": [2, 401], "transformers_version": "4.40.0"})
    entry = family("LlamaForCausalLM", "v4", vocab_size=416, hidden_size=48, intermediate_size=80, num_hidden_layers=2,
                   num_attention_heads=3, num_key_value_heads=1, max_position_embeddings=256, bos_token_id=1,
                   eos_token_id=2)
    weights(d, entry, torch.float16)
    processor = sentencepiece.SentencePieceProcessor(model_file=str(d / "tokenizer.model"))
    special = ["<|im_start|>user\nHow?<|im_end|>\n", "a</s>b", "<tool>grind</tool>", "<|im_start|"]
    golden(d, entry, 403, special, processor.encode, "sentencepiece")


def qwen3moe(out):
    d = fresh(out, "qwen3moe")
    chat = [("<|endoftext|>", True), ("<|im_start|>", True), ("<|im_end|>", True)]
    ids = byte_bpe(d, QWEN2_SPLIT, chat, nfc=True)
    start = min(ids)
    write_json(d / "tokenizer_config.json", {
        "add_prefix_space": False, "backend": "tokenizers", "bos_token": None, "clean_up_tokenization_spaces": False,
        "eos_token": "<|im_end|>", "model_max_length": 256, "pad_token": "<|endoftext|>",
        "tokenizer_class": "Qwen2Tokenizer", "unk_token": None})
    (d / "chat_template.jinja").write_text(CHATML)
    write_json(d / "generation_config.json", {"eos_token_id": [start + 2, start], "pad_token_id": start, "do_sample": True,
                                              "temperature": 0.7, "top_p": 0.8, "transformers_version": "5.23.0"})
    entry = family("Qwen3MoeForCausalLM", "v5", vocab_size=320, hidden_size=48, intermediate_size=96,
                   moe_intermediate_size=24, num_experts=8, num_experts_per_tok=2, norm_topk_prob=True,
                   num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1, head_dim=32,
                   max_position_embeddings=256, eos_token_id=start + 2,
                   rope_parameters=dict(rope_type="default", rope_theta=1000000.0))
    weights(d, entry, torch.float32)
    golden(d, entry, start + len(chat), ["<|im_start|>user\nHow?<|im_end|>\n", "a<|endoftext|>b"], by_tokenizer_json(d),
           "tokenizers")


def llama3(out):
    d = fresh(out, "llama3")
    chat = [("<|begin_of_text|>", True), ("<|end_of_text|>", True), ("<|start_header_id|>", True),
            ("<|end_header_id|>", True), ("<|eot_id|>", True)]
    ids = byte_bpe(d, LLAMA3_SPLIT, chat, nfc=False, bos="<|begin_of_text|>")
    start = min(ids)
    write_json(d / "tokenizer_config.json", {
        "added_tokens_decoder": added(ids), "bos_token": "<|begin_of_text|>", "chat_template": HEADERS,
        "clean_up_tokenization_spaces": False, "eos_token": "<|eot_id|>",
        "model_input_names": ["input_ids", "attention_mask"], "model_max_length": 256,
        "tokenizer_class": "PreTrainedTokenizerFast"})
    write_json(d / "generation_config.json", {"bos_token_id": start, "eos_token_id": [start + 1, start + 4], "do_sample": True,
                                              "temperature": 0.6, "top_p": 0.9, "transformers_version": "4.45.0"})
    entry = family("LlamaForCausalLM", "v4", vocab_size=321, hidden_size=64, intermediate_size=128, num_hidden_layers=2,
                   num_attention_heads=4, num_key_value_heads=2, head_dim=32, max_position_embeddings=256,
                   tie_word_embeddings=True, bos_token_id=start, eos_token_id=[start + 1, start + 4],
                   rope_parameters=dict(rope_type="llama3", rope_theta=10000.0, factor=8.0, low_freq_factor=1.0,
                                        high_freq_factor=4.0, original_max_position_embeddings=32))
    weights(d, entry, torch.bfloat16)
    golden(d, entry, 321, ["<|start_header_id|>user<|end_header_id|>\n\nHow?<|eot_id|>", "a<|end_of_text|>b"],
           by_tokenizer_json(d), "tokenizers")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parent / "hf")
    out = parser.parse_args().out
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)
    for make in (qwen3, llama_spm, qwen3moe, llama3):
        make(out)


if __name__ == "__main__":
    main()
