"""The scanner finds each kind of planted secret wherever it lies, and spares what only looks so.

No secret stands in this file: each is put together when the test runs.
"""

import base64
import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.upkeep import secret_scan
from tools.upkeep.secret_scan import PATTERNS, WORDS, main, repository_files, scan_file, secrets_in

LETTERS = "Zq7Rm2Kd9Tw4Yx1Bn8Vc5Lp3Hs6Gj0Fa"  # 32 characters, of no service
LONG = LETTERS * 4
SHA1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709"
SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
KEY_ID = LETTERS[:16].upper()
WORD = "".join


def joined(*parts: str) -> str:
    """Return the parts as one text, which keeps the whole out of this file."""
    return WORD(parts)


PLANTED = {
    "an AWS access key id": [
        joined("AKIA", KEY_ID),
        joined("ASIA", KEY_ID),
        joined("arn of AROA", KEY_ID, ":me"),
    ],
    "an AWS session token": [joined("IQoJb3JpZ2lu", LONG), joined("FwoGZXIvYXdz", LONG)],
    "a presigned URL": [
        joined("https://b.s3.amazonaws.com/k?X-Amz-Signature", "=", SHA256),
        joined("?X-Amz-Expires=60&amp;X-Amz-Credential", "=ASI%2F2026%2Fus-east-1%2Fs3%2Faws4"),
        joined("http://h/k?AWSAccessKeyId", "=me&Signature", "=q3zJc%2FhV7w0%3D&Expires=1"),
    ],
    "a private key": [
        joined("-----BEGIN ", "PRIVATE", " KEY-----"),
        joined("-----BEGIN OPENSSH ", "PRIVATE", " KEY-----"),
        joined("-----BEGIN PGP ", "PRIVATE", " KEY BLOCK-----"),
    ],
    "a Hugging Face token": [joined("hf_", LETTERS)],
    "a GitHub token": [joined("ghp_", LETTERS), joined("github_pat_", "11", LETTERS)],
    "a GitLab or PyPI token": [joined("glpat-", LETTERS[:20]), joined("pypi-AgEI", LONG)],
    "an OpenAI or Anthropic key": [joined("sk-proj-", LETTERS), joined("sk-ant-api03-", LETTERS)],
    "a Slack token": [
        joined("xoxb-", "123456789012-", LETTERS),
        joined("https://hooks.slack.com/services/", "T01/B02/", LETTERS),
    ],
    "a Google key": [joined("AIza", LETTERS, "abc"), joined("ya29.", LETTERS)],
    "a Stripe, Databricks or SendGrid key": [
        joined("sk_", "live_", LETTERS),
        joined("rk_", "test_", LETTERS),
        joined("whsec_", LETTERS),
        joined("dapi", SHA1[:32]),
        joined("SG.", LETTERS[:22], ".", LETTERS),
    ],
    "an Azure or Kaggle key": [
        joined("AccountName=me;Account", "Key=", LONG[:86], "=="),
        joined("Endpoint=sb://me;SharedAccess", "Key=", LONG[:43], "="),
        joined("AZURE_STORAGE_", "KEY='", LONG[:84], "/+=='"),
        joined('{"username":"ada","k', 'ey":"', SHA1[:32], '"}'),
        joined("os.environ['KAGGLE_", "KEY'] = '", SHA1[:32], "'"),
        joined("export KAGGLE_", "KEY=", SHA1[:32]),
        joined("KG", "AT_", SHA1[:32]),
    ],
    "a JSON web token": [joined("eyJ", LETTERS, ".eyJ", LETTERS, ".", LETTERS)],
    "a password in a URL": [
        joined("postgresql://me:", "hunter2", "@db.local/x"),
        joined("pip install --index-url https://me:", LETTERS, "@pypi.local/simple"),
    ],
    "a .netrc entry": [
        joined("machine api.local\n  login me\n  pass", "word hunter2\n"),
    ],
    "an authorization header": [joined("{'Authorization': 'Bea", "rer ", LETTERS, "'}")],
    "a secret": [
        joined("aws_secret_access_key = ", LETTERS, "abcdefgh"),
        joined("export AWS_SECRET_ACCESS_KEY=", LETTERS, "abc/+fgh"),
        joined("secret_key: str = '", LETTERS, "'"),
        joined('{"SessionToken": "', LETTERS, '"}'),
        joined("monkeypatch.setenv('AWS_SECRET_ACCESS_KEY', '", LETTERS, "')"),
        joined("password: '", "correct-horse-1", "'"),
        joined("os.environ['API_KEY'] = '", LETTERS, "'"),
        joined("<td>SecretAccessKey</td><td>=", LETTERS, "</td>"),
    ],
    "a secret in a table": [
        joined("0  SecretAccessKey   ", LETTERS, "abcdefgh"),
        joined("<tr><th>SecretAccessKey</th><td>", LETTERS, "abcd", "/+gh</td></tr>"),
    ],
}
CASES = [(kind, fake) for kind, fakes in PLANTED.items() for fake in fakes]


def notebook(source: str = "", output: dict[str, object] | None = None) -> str:
    """Return a notebook of two cells, the second with a source and an output."""
    cells: list[dict[str, object]] = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# Title\n", "Text"]},
        {
            "cell_type": "code", "execution_count": 1, "metadata": {},
            "source": source.splitlines(keepends=True), "outputs": [output] if output else [],
        },
    ]  # fmt: skip
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def scan(folder: Path, name: str, text: str) -> list[str]:
    """Return what the scanner says of a file with this name and text."""
    (folder / name).write_text(text, encoding="utf-8")
    return scan_file(folder / name, name)


def test_every_kind_is_planted() -> None:
    assert set(PLANTED) == set(PATTERNS) == set(WORDS)


@pytest.mark.parametrize(("kind", "fake"), CASES)
@pytest.mark.parametrize("name", ["script.py", "config.yaml", "readme.md", ".env"])
def test_a_planted_secret_is_found_on_its_line_and_not_repeated(
    tmp_path: Path, kind: str, fake: str, name: str
) -> None:
    (line,) = scan(tmp_path, name, f"first line\nsecond line {fake} and more\n")
    assert line.startswith(f"{name}:2: what looks like {kind}: ")
    assert not any(
        part in line
        for part in (LETTERS[:8], SHA1[:8], SHA256[:8], KEY_ID, "hunter2", "horse", "q3z")
    )


@pytest.mark.parametrize(("kind", "fake"), CASES)
def test_a_planted_secret_is_found_in_a_cell(tmp_path: Path, kind: str, fake: str) -> None:
    (line,) = scan(tmp_path, "n.ipynb", notebook(f"import os\n# {fake}\n"))
    assert line.startswith(f"n.ipynb: cell 2, source, line 2: what looks like {kind}: ")


def outputs_of(text: str) -> list[dict[str, object]]:
    """Return the ways in which a cell may show a text."""
    html = f"<div><b>{text}</b></div>"
    data = {"application/json": {"a": [1, {"b": text}]}}
    page = base64.b64encode(f"<p>{text}</p>".encode()).decode()
    return [
        {"output_type": "stream", "name": "stdout", "text": ["one\n", f"\x1b[31m{text}\x1b[0m\n"]},
        {"output_type": "display_data", "metadata": {}, "data": {"text/html": [html]}},
        {"output_type": "error", "ename": "E", "evalue": text, "traceback": [text]},
        {"output_type": "display_data", "metadata": {},
         "data": {"text/html": f'<iframe src="data:text/html;base64,{page}"></iframe>'}},
        {"output_type": "execute_result", "metadata": {}, "data": data},
        {"output_type": "display_data", "metadata": {}, "data": {"application/pdf": page}},
        {"output_type": "display_data", "metadata": {}, "data": {"image/png": f"{page}\n"}},
    ]  # fmt: skip


@pytest.mark.parametrize("way", range(7))
@pytest.mark.parametrize(("kind", "fake"), CASES)
def test_a_planted_secret_is_found_in_an_output(
    tmp_path: Path, kind: str, fake: str, way: int
) -> None:
    lines = scan(tmp_path, "n.ipynb", notebook("show()", outputs_of(fake)[way]))
    assert lines
    assert all(line.startswith("n.ipynb: cell 2, output, line ") for line in lines)
    assert any(f"what looks like {kind}: " in line for line in lines)
    assert LETTERS[:8] not in "".join(lines)


@pytest.mark.parametrize(
    "split",
    [
        '"AKIA"\n"{}"',
        '("AKIA"\n    "{}")',
        "'AKIA' + '{}'",
        '"AKIA" \\\n  + f"{}"',
        "AKIA\\\n{}",
    ],
)
def test_a_secret_split_over_lines_or_strings_is_found_where_it_begins(split: str) -> None:
    (found,) = secrets_in('\nx = "a" \\\n "b"\ny = ' + split.format(KEY_ID))
    assert (found.kind, found.line) == ("an AWS access key id", 4)


@pytest.mark.parametrize(("kind", "fake"), CASES)
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_a_planted_secret_is_found_in_a_file_from_windows(
    tmp_path: Path, kind: str, fake: str, encoding: str
) -> None:
    (tmp_path / "notes.txt").write_bytes(f"first line\r\nsecond {fake}\r\n".encode(encoding))
    (line,) = scan_file(tmp_path / "notes.txt", "notes.txt")
    assert line.startswith(f"notes.txt:2: what looks like {kind}: ")


@pytest.mark.parametrize("cut", [76, 10**6])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_secret_in_an_attachment_is_found(tmp_path: Path, cut: int, encoding: str) -> None:
    picture = f"{'x' * 50}\n{joined('AKIA', KEY_ID)}\n".encode(encoding)
    packed = base64.b64encode(b"\x89PNG\r\n" + picture).decode()
    lines = "\n".join(packed[at : at + cut] for at in range(0, len(packed), cut))
    book = json.loads(notebook("1"))
    book["cells"][0]["attachments"] = {"a.png": {"image/png": lines}}
    (line,) = scan(tmp_path, "n.ipynb", json.dumps(book))
    assert line.startswith("n.ipynb: cell 1, file, line 1: what looks like an AWS access key id: ")


def test_json_values_are_known_by_their_names(tmp_path: Path) -> None:
    data = {"application/json": {"Credentials": {"SecretAccessKey": LETTERS + "/abc"}}}
    output: dict[str, object] = {"output_type": "display_data", "metadata": {}, "data": data}
    (line,) = scan(tmp_path, "n.ipynb", notebook("", output))
    assert line.startswith("n.ipynb: cell 2, output, line 1: what looks like a secret: ")


PNG = base64.b64encode(bytes(i * i * 7 % 251 for i in range(30_000))).decode()


@pytest.mark.parametrize(
    "text",
    [
        f"numpy==2.3.1 \\\n    --hash=sha256:{SHA256} \\\n    --hash=sha256:{SHA256}",
        f'sha256 = "{SHA256}"  # of the archive',
        f"commit {SHA1}",
        "id: 123e4567-e89b-12d3-a456-426614174000",
        PNG,
        f'{{"image/png": "{PNG}"}}',
        "secret_key = os.environ['AWS_SECRET_ACCESS_KEY']",
        "client(aws_secret_access_key=server.secret_key, aws_session_token=None)",
        "names = ['aws_access_key_id', 'aws_secret_access_key', 'aws_session_token']",
        '("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_S3")',
        "secret = 'too short'",
        "aws_secret_access_key = 'not-a-real-secret'",
        joined("AWS_ACCESS_KEY_ID=AKIA", "IOSFODNN7EXAMPLE"),
        joined("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCY", "EXAMPLEKEY"),
        "https://user:{password}@host/  https://user:$PASSWORD@host/  https://u:<password>@host",
        "the query ends in `X-Amz-Signature=…&X-Amz-Credential=…`",
        "hf_hub_download_something_long_enough",
        "<div class='sk-toggleable__content sk-estimator-doc-link-fitted'>",
        "machine learning, where a login asks for a password",
        "tokenizer = 'sentence-transformers/all-MiniLM-L6-v2'",
        "http://127.0.0.1:5000/bucket/key?versionId=abc and git@github.com:some/course.git",
        "def presign(key: str, expires: int) -> str:",
        f"cache_key = '{SHA1[:32]}'; md5 = '{SHA1[:32]}'",
        f"key = '{SHA1}'; key = '{SHA256}'",
        "AccountKey=<your-account-key>; task_live_update_of_something; MSG.something_long.enough",
        "risk_live_forecast_of_something_long and dapi = load_the_interface()",
    ],
)
def test_look_alikes_are_spared(tmp_path: Path, text: str) -> None:
    assert scan(tmp_path, "file.txt", text) == []
    assert scan(tmp_path, "n.ipynb", notebook(text)) == []


@pytest.mark.parametrize("excuse", ["# not-a-real-key", "# example", "# your-key"])
def test_words_beside_a_value_excuse_nothing(excuse: str) -> None:
    assert len(secrets_in(joined("key = 'AKIA", KEY_ID, "'  ", excuse))) == 1


@given(before=st.text(max_size=40), after=st.text(max_size=40))
def test_no_surrounding_line_hides_a_private_key(before: str, after: str) -> None:
    assert secrets_in(joined(before, "\n-----BEGIN ", "PRIVATE", " KEY-----\n", after))


def test_a_broken_notebook_is_read_as_text(tmp_path: Path) -> None:
    (line,) = scan(tmp_path, "n.ipynb", joined('{"cells": [\n"AKIA', KEY_ID))
    assert line.startswith("n.ipynb:2: ")


def test_what_git_ignores_is_left_out_and_what_it_would_add_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    (tmp_path / ".gitignore").write_text("ignored.py\n")
    for name in ("ignored.py", "tracked.py", "new ü.py", "deleted.py"):
        (tmp_path / name).write_text(joined("AKIA", KEY_ID))
    subprocess.run(["git", "add", "tracked.py", "deleted.py"], cwd=tmp_path, check=True)
    (tmp_path / "deleted.py").unlink()
    assert repository_files(tmp_path) == [".gitignore", "new ü.py", "tracked.py"]
    assert main([], tmp_path) == 1
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert main([".gitignore"], tmp_path) == 0


def test_outside_a_checkout_one_sentence_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([], tmp_path) == 2
    assert capsys.readouterr().err == (
        f"{tmp_path} is no git checkout; name the files to look at instead\n"
    )


def test_the_repository_holds_no_credentials(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0, capsys.readouterr().out
    assert Path(__file__).relative_to(secret_scan.ROOT).as_posix() in repository_files(
        secret_scan.ROOT
    )
