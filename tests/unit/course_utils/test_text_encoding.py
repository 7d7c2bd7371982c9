"""Texts to vectors with a BERT made on the spot, and without any neural network."""

import subprocess
import sys
import threading

import numpy as np
import pandas as pd
import pytest
from tiny_bert import DIMENSIONS, LONGEST, WORDS, save_tiny_bert

from course_utils.errors import CourseWarning, DataError, ModelError
from course_utils.text import TfidfEncoder, encode_texts
from course_utils.text.transformer import Transformer

pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("transformers", reason="transformers is not installed")


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    return save_tiny_bert(tmp_path_factory.mktemp("tiny"))


def made_up(n, seed=0, longest=12):
    rng = np.random.default_rng(seed)
    return [" ".join(rng.choice(WORDS, rng.integers(1, longest))) for _ in range(n)]


@pytest.fixture(scope="module")
def plainly(bert):
    """Encode texts one after the other, without padding, in both poolings."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(bert), AutoModel.from_pretrained(bert).eval()
    vectors, before = {"cls": [], "mean": []}, torch.get_num_threads()
    torch.set_num_threads(1)  # so little work is not worth sharing
    with torch.no_grad():
        for text in made_up(150):
            hidden = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
            vectors["cls"].append(hidden[0].numpy())
            vectors["mean"].append(hidden.mean(dim=0).numpy())
    torch.set_num_threads(before)
    return {pooling: np.array(rows) for pooling, rows in vectors.items()}


@pytest.mark.parametrize("pooling", ["cls", "mean"])
@pytest.mark.parametrize("batch_tokens", [None, 1, 40])
def test_as_one_text_after_the_other(bert, plainly, pooling, batch_tokens):
    texts, expected = made_up(150), plainly[pooling]
    vectors = encode_texts(
        texts, bert, pooling, normalize=False, batch_tokens=batch_tokens, cache=False
    )
    assert vectors.shape == (150, DIMENSIONS)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, expected, atol=2e-6)
    unit = encode_texts(texts, bert, pooling, cache=False)
    np.testing.assert_allclose(np.linalg.norm(unit, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(
        unit, expected / np.linalg.norm(expected, axis=1, keepdims=True), atol=2e-6
    )


def test_poolings_differ(bert):
    texts = made_up(5)
    vectors = [encode_texts(texts, bert, pooling, cache=False) for pooling in ("cls", "mean")]
    assert np.abs(vectors[0] - vectors[1]).max() > 0.01


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_title_and_genres_are_a_pair_with_token_types(bert, pooling):
    import torch
    from transformers import AutoModel, AutoTokenizer

    texts = ["toy story [SEP] drama war", "alien ship", "the matrix [SEP] love"]
    tokenizer, model = AutoTokenizer.from_pretrained(bert), AutoModel.from_pretrained(bert).eval()
    vectors = encode_texts(texts, bert, pooling, normalize=False, cache=False)
    for text, vector in zip(texts, vectors, strict=True):
        pieces = text.split(" [SEP] ")
        batch = tokenizer(*pieces, return_token_type_ids=True, return_tensors="pt")
        assert set(batch["token_type_ids"][0].tolist()) == ({0, 1} if "[SEP]" in text else {0})
        with torch.no_grad():
            hidden = model(**batch).last_hidden_state[0]
        expected = hidden[0] if pooling == "cls" else hidden.mean(dim=0)
        np.testing.assert_allclose(vector, expected.numpy(), atol=2e-6)
    flat = encode_texts([texts[0].replace(" [SEP] ", "[SEP]")], bert, pooling, cache=False)
    assert np.abs(flat[0] - vectors[0] / np.linalg.norm(vectors[0])).max() > 1e-3  # types 0 only


def test_a_separator_with_nothing_beside_it_makes_no_pair(bert):
    with pytest.warns(CourseWarning, match="without any word"):
        vectors = encode_texts([" [SEP] ", "toy"], bert, cache=False)
    assert np.isfinite(vectors).all()


def test_order_is_that_of_the_texts_and_repeated_texts_are_read_once(bert, monkeypatch):
    read = []
    encode = Transformer.encode

    def watch(self, texts, *options):
        read.extend(texts)
        return encode(self, texts, *options)

    monkeypatch.setattr(Transformer, "encode", watch)
    texts = made_up(40)
    shuffled = np.random.default_rng(1).permutation(np.repeat(np.arange(40), 3))
    once = encode_texts(texts, bert, cache=False)
    read.clear()
    thrice = encode_texts([texts[i] for i in shuffled], bert, cache=False)
    assert sorted(read) == sorted(set(texts))
    np.testing.assert_allclose(thrice, once[shuffled], atol=2e-6)


def test_a_series_and_a_generator_do_as_well(bert):
    texts = made_up(4)
    expected = encode_texts(texts, bert, cache=False)
    series = pd.Series(texts, index=[3, 1, 2, 0])
    assert (encode_texts(series, bert, cache=False) == expected).all()
    assert (encode_texts((text for text in texts), bert, cache=False) == expected).all()


def test_the_number_of_cores_makes_no_difference(bert, monkeypatch):
    import torch

    texts, before = made_up(200), torch.get_num_threads()
    vectors = []
    for n in (1, 2, 5):
        monkeypatch.setattr("course_utils.text.transformer.cores", lambda n=n: n)
        vectors.append(encode_texts(texts, bert, batch_tokens=64, cache=False))
    assert (vectors[0] == vectors[1]).all()
    assert (vectors[0] == vectors[2]).all()
    assert torch.get_num_threads() == before
    assert not [t for t in threading.enumerate() if t.name.startswith("course-encode")]


def test_lower_precision_is_close(bert):
    texts = made_up(20)
    exact = encode_texts(texts, bert, cache=False)
    rough = encode_texts(texts, bert, precision="bfloat16", cache=False)
    assert 0 < np.abs(rough - exact).max() < 0.05


def test_the_end_of_a_long_text_is_left_out(bert):
    start = " ".join(["toy"] * (LONGEST - 2))
    with pytest.warns(CourseWarning, match=rf"1 of the 2 texts is longer than the {LONGEST} tok"):
        vectors = encode_texts([f"{start} sea war", "toy"], bert, cache=False)
    np.testing.assert_allclose(vectors[0], encode_texts([start], bert, cache=False)[0], atol=2e-6)


def test_of_a_long_pair_the_longer_piece_is_cut(bert):
    title = " ".join(["toy"] * LONGEST)
    with pytest.warns(CourseWarning, match="the end is cut, of a pair that of the longer piece"):
        vectors = encode_texts([f"{title} [SEP] war"], bert, cache=False)
    short = " ".join(["toy"] * (LONGEST - 4))  # beside [CLS], two [SEP] and the second piece
    expected = encode_texts([f"{short} [SEP] war"], bert, cache=False)
    np.testing.assert_allclose(vectors, expected, atol=2e-6)


def test_a_pair_where_the_tokenizer_puts_nothing_between(bert, tmp_path):
    import json
    import shutil

    shutil.copytree(bert, tmp_path / "joins")
    settings = tmp_path / "joins" / "tokenizer.json"
    told = json.loads(settings.read_text("utf-8"))
    told["post_processor"] = None
    settings.write_text(json.dumps(told), "utf-8")
    joined, same = encode_texts(
        ["toy story [SEP] war", "toy story war"], tmp_path / "joins", cache=False
    )
    assert np.isfinite(joined).all()
    assert joined.shape == same.shape


def test_emoji_are_said_to_mean_nothing_to_the_model(bert):
    with pytest.warns(CourseWarning, match=r"1 of the 2 texts is without any word .* '🎬 🍿'"):
        vectors = encode_texts(["🎬 🍿", "toy story 🎬"], bert, cache=False)
    assert np.isfinite(vectors).all()


@pytest.mark.parametrize("model", ["tfidf", "folder"])
@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([], "nothing to encode"),
        ("Alien (1979)", r"`texts` is a str; give a list"),
        (["Alien", None], "Text 1 is None, no string"),
        (["Alien", float("nan")], "Text 1 is nan, no string"),
        (["", "Alien"], "Text 0 is empty"),
        (["Alien", " \n"], "Text 1 is empty"),
        (["Alien", "\ud83d"], "Text 1, '.ud83d', is not valid Unicode"),
    ],
)
def test_what_is_no_text(bert, model, texts, message):
    with pytest.raises(DataError, match=message):
        encode_texts(texts, bert if model == "folder" else model)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pooling": "max"}, "pooling must be one of 'cls', 'mean'"),
        ({"precision": "int8"}, "precision must be one of"),
        ({"batch_tokens": 0}, "batch_tokens must be an integer of at least 1"),
    ],
)
def test_unknown_choices(bert, options, message):
    with pytest.raises(DataError, match=message):
        encode_texts(["toy"], bert, **options)


def test_a_gpu_that_is_not_there(bert, monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    encode_texts(["toy"], bert)
    for _ in range(2):  # the second time the cache has it all, and the answer is the same
        with pytest.raises(ModelError, match=r"device='cuda' needs a CUDA GPU, and torch sees no"):
            encode_texts(["toy"], bert, device="cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(ModelError, match="torch sees only 1 of them here"):
        encode_texts(["toy"], bert, device="cuda:1")
    with pytest.raises(ModelError, match="device must be 'auto', 'cpu', 'cuda' or 'cuda:0'"):
        encode_texts(["toy"], bert, device="tpu")


def test_without_torch_a_sentence_says_what_to_install(bert):
    code = (
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'torch': raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "from course_utils.errors import ModelError\n"
        "from course_utils.text import encode_texts\n"
        f"try: encode_texts(['toy'], {str(bert)!r}, cache=False)\n"
        "except ModelError as error: print(error)\n"
        "print(encode_texts(['toy story', 'toy'], 'tfidf').shape)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    said, shape = run.stdout.splitlines()
    assert said.startswith("torch is not installed: pip install")
    assert shape == "(2, 2)"


class OfYours:
    def __init__(self, answer):
        self.answer = answer

    def encode(self, texts):
        return self.answer


def test_an_encoder_of_your_own():
    vectors = encode_texts(["a", "b"], OfYours([[3, 4], [0, 0]]))
    np.testing.assert_allclose(vectors, [[0.6, 0.8], [0, 0]])
    assert vectors.dtype == np.float32
    with pytest.raises(DataError, match="There are 1 vectors for 2 texts"):
        encode_texts(["a", "b"], OfYours([[1.0, 2.0]]))
    with pytest.raises(DataError, match="The vector of text 1 is not finite"):
        encode_texts(["a", "b"], OfYours([[1.0], [np.nan]]))


def test_tfidf_as_scikit_learn_from_its_parts():
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    texts = made_up(60, longest=8)
    weights = TfidfVectorizer(sublinear_tf=True, token_pattern=r"\w+").fit_transform(texts)
    exact = TruncatedSVD(4, algorithm="arpack").fit_transform(weights)
    vectors = encode_texts(texts, TfidfEncoder(4).fit(texts), normalize=False)
    # axes may point the other way; what counts is how texts lie to each other
    np.testing.assert_allclose(vectors @ vectors.T, exact @ exact.T, atol=1e-3)


def test_tfidf_puts_texts_with_common_words_together():
    texts = ["alien ship", "ship of the alien", "toy love", "love of toy story", "war", "sea war"]
    vectors = encode_texts(texts, "tfidf")
    assert (vectors == encode_texts(texts, "tfidf")).all()  # deterministic
    cosine = vectors @ vectors.T
    np.fill_diagonal(cosine, -1)
    assert cosine.argmax(axis=1).tolist() == [1, 0, 3, 2, 5, 4]


def test_tfidf_of_few_words_and_of_none():
    encoder = TfidfEncoder(dimensions=50).fit(["toy story", "toy war"])
    assert encoder.encode(["toy"]).shape == (1, 2)
    assert (encoder.encode(["unheard of"]) == 0).all()
    assert (encode_texts(["unheard of"], encoder) == 0).all()  # and no NaN from normalizing
    for nothing in (["🎬", "!!"], ["toy", "toy"]):
        with pytest.raises(DataError, match="The 2 texts hold fewer than two different words"):
            encode_texts(nothing, "tfidf")
    with pytest.raises(DataError, match="not fitted"):
        TfidfEncoder().encode(["toy"])
    with pytest.raises(DataError, match="dimensions must be an integer"):
        TfidfEncoder(0)


# ---------------------------------------------------------------- other people's models and texts


def save_model(folder, model, template=None):
    """Save a model with a tokenizer of words, which puts tokens around a text by `template`."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    names = ["<unk>", "<bos>", *WORDS]
    words = Tokenizer(models.WordLevel({word: i for i, word in enumerate(names)}, "<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    if template:
        words.post_processor = processors.TemplateProcessing(
            template, special_tokens=[("<bos>", 1)]
        )
    PreTrainedTokenizerFast(
        tokenizer_object=words, unk_token="<unk>", bos_token="<bos>"
    ).save_pretrained(folder)
    model.save_pretrained(folder)
    return folder


def gpt2():
    import torch
    from transformers import GPT2Config, GPT2Model

    torch.manual_seed(0)
    sizes = {"n_positions": 16, "n_embd": 16, "n_layer": 1, "n_head": 2}
    return GPT2Model(GPT2Config(vocab_size=len(WORDS) + 2, bos_token_id=1, eos_token_id=1, **sizes))


@pytest.mark.parametrize("template", [None, "<bos> $A", "$A <bos>"])
def test_a_decoders_first_token_is_no_vector_of_a_text_and_its_mean_is(tmp_path, template):
    folder, texts = save_model(tmp_path / "gpt2", gpt2(), template), ["the matrix", "the toy sea"]
    with pytest.raises(ModelError, match=r"no token in front that reads the text.*pooling='mean'"):
        encode_texts(texts, folder, "cls", cache=False)
    first, second = encode_texts(texts, folder, cache=False)
    assert first @ second < 0.999
    alone = encode_texts(texts[:1], folder, cache=False)  # without padding
    np.testing.assert_allclose(alone[0], first, atol=1e-6)


def test_an_encoder_without_a_first_token_of_its_own_has_no_cls(tmp_path, bert):
    from transformers import BertModel

    folder = save_model(tmp_path / "bare", BertModel.from_pretrained(bert))  # <bos> is not used
    with pytest.raises(ModelError, match="pooling='mean'"):
        encode_texts(["the sea"], folder, "cls", cache=False)


@pytest.mark.parametrize("limit", [-1, 0, None])
def test_a_position_limit_below_one_is_no_limit(tmp_path, limit):
    import json

    folder = save_model(tmp_path / "gpt2", gpt2())
    config = folder / "config.json"
    settings = json.loads(config.read_text()) | {"n_positions": 16, "max_position_embeddings": 16}
    config.write_text(json.dumps(settings))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": limit}))
    assert encode_texts(["the sea"], folder, cache=False).shape == (1, 16)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (pd.DataFrame({"title": ["Alien"]}), "`texts` is a DataFrame; give .* column"),
        ({"title": "Alien"}, "`texts` is a dict; give a list"),
        ({"Alien", "Heat"}, "`texts` is a set; give a list"),
        ("Alien", "`texts` is a str; give a list"),
        (np.array([["Alien"], ["Heat"]]), "Text 0 is array"),
    ],
)  # fmt: skip
def test_what_is_no_list_of_texts_is_refused(texts, message):
    for encode in (lambda: encode_texts(texts, "tfidf"), lambda: TfidfEncoder().fit(texts)):
        with pytest.raises(DataError, match=message):
            encode()


@pytest.mark.parametrize("texts", [None, 7, 3.5])
def test_what_is_no_collection_is_refused(texts):
    with pytest.raises(DataError, match=r"`texts` is a .*; give a list of texts"):
        encode_texts(texts, "tfidf")


@pytest.mark.parametrize(
    "vectors", [[[1j, 2j]], [["1", "2"]], [[1e20, 0.0]], [[]], [["2005-01-01"]], [[None, 1.0]]]
)
def test_an_own_encoder_must_give_numbers(vectors):
    class Mine:
        def encode(self, texts):
            return np.array(vectors)

    with pytest.raises(DataError, match="The vector"):
        encode_texts(["Alien"], Mine())


def test_a_folder_without_a_tokenizer_or_with_another_ones_is_refused(tmp_path, bert):
    import shutil

    from transformers import BertModel

    bare = tmp_path / "bare"
    bare.mkdir()
    for name in ("config.json", "model.safetensors"):
        shutil.copy(bert / name, bare)
    with pytest.raises(ModelError, match="cannot be loaded from"):
        encode_texts(["the sea"], bare, cache=False)
    other = save_model(tmp_path / "other", BertModel.from_pretrained(bert))
    words = other / "tokenizer.json"
    words.write_text(words.read_text().replace('"sea": 9,', '"sea": 9000,'))
    with pytest.raises(ModelError, match="The model fails on these texts"):
        encode_texts(["the sea"], other, cache=False)


@pytest.mark.parametrize("text", ["garbage", "[]", '{"max_seq_length": "128"}'])
def test_settings_of_nonsense_are_refused(tmp_path, bert, text):
    import shutil

    folder = shutil.copytree(bert, tmp_path / "copy")
    (folder / "sentence_bert_config.json").write_text(text)
    with pytest.raises(ModelError, match="cannot be loaded from"):
        encode_texts(["the sea"], folder, cache=False)


@pytest.mark.parametrize("model", [None, 7, ["all-MiniLM-L6-v2"]])
def test_what_is_no_model_is_refused(model):
    with pytest.raises(DataError, match="must be a name, a folder or an encoder, and is"):
        encode_texts(["Alien"], model)


def test_a_device_of_torch_is_taken_as_its_name_is(bert):
    import torch

    plain = encode_texts(["the sea"], bert, cache=False, device="cpu")
    assert (encode_texts(["the sea"], bert, cache=False, device=torch.device("cpu")) == plain).all()
