"""A BERT of random weights, made on the spot, and a hub on this machine that serves it."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

WORDS = [
    "the",
    "of",
    "matrix",
    "toy",
    "story",
    "alien",
    "ship",
    "sea",
    "war",
    "love",
    "1999",
    "drama",
]
COMMIT = "c0ffee" + "0" * 34
DIMENSIONS, LONGEST = 32, 16


def save_tiny_bert(folder: Path, seed: int = 0) -> Path:
    """Write configuration, tokenizer and weights into `folder`; return it."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    marks = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocabulary = {word: number for number, word in enumerate(marks + WORDS)}
    words = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    words.normalizer = normalizers.BertNormalizer()
    words.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    words.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token"), marks, strict=False))
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words, model_max_length=LONGEST, mask_token="[MASK]", **names
    )
    torch.manual_seed(seed)
    model = BertModel(
        BertConfig(
            vocab_size=len(vocabulary), hidden_size=DIMENSIONS, num_hidden_layers=2,
            num_attention_heads=2, intermediate_size=64, max_position_embeddings=2 * LONGEST,
        )
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return folder


class Hub:
    """What a fake hub serves, and what it was asked for."""

    def __init__(self, folder: Path) -> None:
        self.models = {"course/tiny-bert": folder}
        self.asked: list[str] = []
        self.status = 200  # anything else is answered to everything


@contextmanager
def serving(hub: Hub) -> Iterator[str]:
    """Run the hub on this machine; give its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            hub.asked.append(self.path)
            body, headers = _answer(hub, self.path) if hub.status == 200 else (b"", {})
            self.send_response(404 if body is None else hub.status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            if self.command == "GET" and body:
                self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


def _answer(hub: Hub, path: str) -> tuple[bytes | None, dict[str, str]]:
    path = path.split("?")[0]
    for name, folder in hub.models.items():
        files = {file.name: file.read_bytes() for file in folder.iterdir()}
        if path in (f"/api/models/{name}/revision/main", f"/api/models/{name}"):
            siblings = [{"rfilename": file} for file in files]
            return json.dumps({"id": name, "sha": COMMIT, "siblings": siblings}).encode(), {}
        if path.startswith(f"/api/models/{name}/tree/"):
            tree = [
                {"type": "file", "path": file, "size": len(content), "oid": _etag(content)}
                for file, content in files.items()
            ]
            return json.dumps(tree).encode(), {"Content-Type": "application/json"}
        if path.startswith(f"/{name}/resolve/") and path.rpartition("/")[2] in files:
            content = files[path.rpartition("/")[2]]
            return content, {"ETag": f'"{_etag(content)}"', "X-Repo-Commit": COMMIT}
    return None, {"X-Error-Code": "RepoNotFound"}


def _etag(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()
