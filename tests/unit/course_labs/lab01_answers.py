"""Lab 1: a second right answer, and wrong ones: what to replace in the solution, and the hint.

One wrong answer is one line, however long.
"""
# ruff: noqa: E501

ANOTHER = """
import hashlib
import io
import json

import pandas as pd

from course_cloud.storage import copy_prefix, list_keys, read_table, write_table


def folder_sizes(client, bucket, prefix):
    folder = prefix if not prefix or prefix.endswith("/") else prefix + "/"
    keys, token = [], {}
    while True:
        answer = client.list_objects_v2(Bucket=bucket, Prefix=folder, **token)
        keys += [(found["Key"], found["Size"]) for found in answer.get("Contents", [])]
        if not answer["IsTruncated"]:
            break
        token = {"ContinuationToken": answer["NextContinuationToken"]}
    table = pd.DataFrame(keys, columns=["key", "size"])
    rest = table["key"].str.slice(len(folder))
    table["folder"] = rest.where(rest.str.contains("/"), "/").str.split("/").str[0]
    return table.groupby("folder")["size"].sum()


def copy_folder(client, bucket, prefix, to_bucket, to_prefix):
    done = copy_prefix(
        f"s3://{bucket}/{prefix}", f"s3://{to_bucket}/{to_prefix}", client=client, progress=False
    )
    return done.files


def mean_rating(client, bucket, prefix):
    import pyarrow.parquet as pq

    class Remote(io.RawIOBase):
        def __init__(self, key):
            self.key, self.at = key, 0
            self.size = client.head_object(Bucket=bucket, Key=key)["ContentLength"]

        def seekable(self):
            return True

        def readable(self):
            return True

        def tell(self):
            return self.at

        def seek(self, offset, whence=0):
            self.at = offset + [0, self.at, self.size][whence]
            return self.at

        def readinto(self, buffer):
            end = min(self.size, self.at + len(buffer))
            if end == self.at:
                return 0
            where = {"Range": f"bytes={self.at}-{end - 1}"}
            data = client.get_object(Bucket=bucket, Key=self.key, **where)["Body"].read()
            buffer[: len(data)] = data
            self.at = end
            return len(data)

    stars = []
    for page in client.get_paginator("list_objects").paginate(
        Bucket=bucket, Prefix=prefix.rstrip("/") + "/"
    ):
        for item in page["Contents"]:
            if item["Key"].endswith(".parquet"):
                stars += pq.read_table(Remote(item["Key"]), columns=["rating"], pre_buffer=False)["rating"].to_pylist()
    return sum(stars) / len(stars)


def publish(client, bucket, prefix, tables):
    home = f"s3://{bucket}/{prefix.rstrip('/')}"
    old = [found.key for found in list_keys(home + "/manifest.json", client=client)]
    if old:
        client.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": old[0]}]})
    entries = []
    for kind in ("parquet", "csv"):
        for name in tables:
            write_table(tables[name], f"{home}/{name}.{kind}", client=client)
            data = io.BytesIO()
            client.download_fileobj(bucket, f"{prefix.rstrip('/')}/{name}.{kind}", data)
            entries.append(
                dict(
                    rows=len(tables[name]),
                    sha256=hashlib.sha256(data.getvalue()).hexdigest(),
                    size=data.tell(),
                    file=f"{name}.{kind}",
                )
            )
    place = {"Bucket": bucket, "Key": f"{prefix.rstrip('/')}/manifest.json"}
    client.upload_fileobj(io.BytesIO(json.dumps(dict(files=entries)).encode()), *place.values())
    print("published", prefix)
    return client.generate_presigned_url("get_object", Params=place, ExpiresIn=600)


def audit(client, bucket, prefix):
    home = f"{prefix.rstrip('/')}/"
    there = {}
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=home):
        for item in page.get("Contents", []):
            there[item["Key"][len(home) :]] = item["Size"]
    try:
        body = client.get_object(Bucket=bucket, Key=home + "manifest.json")["Body"]
    except client.exceptions.NoSuchKey:
        return {("manifest.json", "missing")}
    del there["manifest.json"]
    wanted = pd.DataFrame(json.load(body)["files"]).set_index("file")
    found = {(name, "missing") for name in set(wanted.index) - set(there)}
    found |= {(name, "extra") for name in set(there) - set(wanted.index)}
    for name in set(there) & set(wanted.index):
        hasher = hashlib.sha256()
        if there[name] != wanted.loc[name, "size"]:
            found.add((name, "size"))
            continue
        for piece in client.get_object(Bucket=bucket, Key=home + name)["Body"].iter_chunks(64):
            hasher.update(piece)
        if hasher.hexdigest() != wanted.loc[name, "sha256"]:
            found.add((name, "content"))
    return found


def audit_rows(ratings, movies):
    known = ratings.merge(movies[["movie_id"]], on="movie_id")
    pairs = set(zip(ratings["user_id"], ratings["movie_id"]))
    good = [stars * 2 in range(1, 11) for stars in ratings["rating"]]
    return pd.Series(
        [len(ratings) - len(known), len(ratings) - len(pairs), len(good) - sum(good)],
        index=["unknown movie", "rated twice", "off the scale"],
    )
"""

LIST_ONE = 'client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=folder)'
ONE_ANSWER = "[client.list_objects_v2(Bucket=bucket, Prefix=folder)]"
LISTED = 'list_keys(f"s3://{bucket}/{folder}", client=client)'
ONE_LISTED = "[o for o in list_keys(f\"s3://{bucket}/{folder}\", client=client) if o.key in {c['Key'] for c in client.list_objects_v2(Bucket=bucket, Prefix=folder)['Contents']}]"
PARTS = "list_keys(f\"s3://{bucket}/{prefix.rstrip('/')}/\", client=client)"
WITH_SLASH = 'prefix.rstrip("/") + "/"'
READ = 'read_table(item, ["rating"], client=client)["rating"]'
COPY = "client.copy_object(CopySource=source, Bucket=to_bucket, Key=key)"
PUT_FILE = "client.put_object(Bucket=bucket, Key=folder + file, Body=data)"
PUT_MANIFEST = "client.put_object(Bucket=bucket, Key=manifest, Body=text.encode())"
MADE = 'text = json.dumps({"files": files}, indent=2)'
AUDIT_FOLDER = (
    '    folder = prefix.rstrip("/") + "/"\n    items =',
    '    folder = prefix.rstrip("/")\n    items =',
)
LINK = 'return presign(f"s3://{bucket}/{manifest}", expires=600, client=client)'
SHA = "hashlib.sha256(data).hexdigest()"
STREAM = 'hashlib.sha256(read(file)).hexdigest() != entry["sha256"]'
UNKNOWN = '(~ratings["movie_id"].isin(movies["movie_id"])).sum()'
TWICE = 'ratings.duplicated(["user_id", "movie_id"])'
SCALE = '(~ratings["rating"].isin(np.arange(1, 11) / 2)).sum()'

WRONG = {
    "q1": {
        "one page": [(LIST_ONE, ONE_ANSWER), "first page of the listing"],
        "the last page": [("        for item in page.get(", "        sizes = {}\n        for item in page.get("), "last page of the listing"],
        "no slash": [('prefix.rstrip("/") + "/" if prefix else ""', 'prefix.rstrip("/")'), "Objects of a neighbor"],
        "two slashes": [('prefix.rstrip("/") + "/" if prefix else ""', 'prefix + "/" if prefix else ""'), "You find nothing below"],
        "a slash for nothing": [(' if prefix else ""\n    sizes', "\n    sizes"), "You find nothing below"],
        "a count": [('+ item["Size"]', "+ 1"), "You count objects"],
        "the last object": [('sizes.get(name, 0) + item["Size"]', 'item["Size"]'), "size of its last object"],
        "no folder, no entry": [("            sizes[name]", "            if not slash:\n                continue\n            sizes[name]"), "in no folder, are missing"],
        "a file for a folder": [("            name = name if slash else \"\"\n", ""), "listed as if it were a folder"],
        "the deepest folder": [('name, slash, _ = item["Key"].removeprefix(folder).partition("/")', 'name, slash, _ = item["Key"].removeprefix(folder).rpartition("/")'), "deepest folder"],
        "whole keys": [("name = name if slash", "name = folder + name if slash"), "names are not what"],
        "a slash at the end": [("name = name if slash", "name = name + slash if slash"), "names are not what"],
        "all downloaded": [('+ item["Size"]', '+ len(client.get_object(Bucket=bucket, Key=item["Key"])["Body"].read())'), "you download objects"],
        "the page's client": [("    pages = client.", "    import course_cloud.storage as here\n    with here.local_s3(environment=False) as server:\n        server.client().list_objects_v2(Bucket=bucket)\n    pages = client."), "on the server that `client` talks to"],
        "a list": [("    return sizes", "    return list(sizes)"), "Return a dict"],
    },
    "q2": {
        "one page": [(LISTED, ONE_LISTED), "first page of the listing"],
        "no slash": [(WITH_SLASH + "\n    target", 'prefix.rstrip("/")\n    target'), "Objects of a neighbor"],
        "down and up": [(COPY, "client.put_object(Bucket=to_bucket, Key=key, Body=client.get_object(**source)['Body'].read())"), "every byte came to you"],
        "flat": [('item.key.removeprefix(folder)\n        source', 'item.key.rpartition("/")[2]\n        source'), "folders below the prefix are lost"],
        "the old prefix kept": [("target + item.key.removeprefix(folder)", "target + item.key"), "still in the keys"],
        "grown together": [('to_prefix.rstrip("/") + "/" if to_prefix else ""', 'to_prefix.rstrip("/")'), "grown together"],
        "two slashes": [('to_prefix.rstrip("/") + "/" if to_prefix else ""', 'to_prefix + "/"'), "two slashes"],
        "moved": [(COPY, COPY + "\n        client.delete_object(**source)"), "a copy leaves it as it was"],
        "the same bucket": [("Bucket=to_bucket, Key=key", "Bucket=bucket, Key=key"), "lie in the bucket that they come from"],
        "encoded twice": [('source = {"Bucket": bucket, "Key": item.key}', 'from urllib.parse import quote\n        source = {"Bucket": bucket, "Key": quote(item.key)}'), "An object was not found"],
        "encoded keys": [("        source = {", "        from urllib.parse import quote\n        key = quote(key)\n        source = {"), "percent-encoded in the target"],
        "one level": [("    for item in found:\n        key", "    found = [o for o in found if '/' not in o.key.removeprefix(folder)]\n    for item in found:\n        key"), "one level"],
        "no number": [("    return len(found)", ""), "does your function return"],
        "the page's client": [("found = list_keys(", "found = [] and list_keys("), ("    return len(found)", "    return client.copy_object(CopySource={'Bucket': 'movielens-class', 'Key': 'a'}, Bucket=to_bucket, Key='a')"), "on the server that `client` talks to"],
    },
    "q3": {
        "one page": [(PARTS, "[o for o in " + PARTS + " if o.key in {c['Key'] for c in client.list_objects_v2(Bucket=bucket, Prefix=prefix.rstrip('/') + '/')['Contents']}]"), "first page of the listing"],
        "no slash": [(PARTS, "list_keys(f\"s3://{bucket}/{prefix.rstrip('/')}\", client=client)"), "Objects of a neighbor"],
        "all columns": [(READ, 'read_table(item, client=client)["rating"]'), "All columns are fetched"],
        "whole objects": [(READ, "__import__('pandas').read_parquet(__import__('io').BytesIO(client.get_object(Bucket=bucket, Key=item.key)['Body'].read()), columns=['rating'])['rating']"), "fetch whole objects"],
        "whole objects, managed": [("stars = " + READ, "import io, pandas\n            body = io.BytesIO()\n            client.download_fileobj(bucket, item.key, body)\n            stars = pandas.read_parquet(body, columns=['rating'])['rating']"), "fetch whole objects"],
        "the CSV": [('endswith(".parquet")', 'endswith(".csv")'), "You read a CSV"],
        "everything twice": [('endswith(".parquet")', 'endswith((".csv", ".parquet"))'), "You read a CSV"],
        "a mean of means": [("total += stars.sum()", "total += stars.mean()"), ("rows += len(stars)", "rows += 1"), "mean of the files' means"],
        "the last file": [("total += stars.sum()", "total = stars.sum()"), ("rows += len(stars)", "rows = len(stars)"), "Only the first file or only the last"],
        "the first file": [("            rows += len(stars)\n", "            rows += len(stars)\n            break\n"), "Only the first file or only the last"],
        "a sum": [("return total / rows", "return total"), "do not divide"],
        "a column": [("return total / rows", "return stars"), "Return one number"],
        "the page's client": [(PARTS, PARTS.replace("{bucket}", "movielens-class")), "on the server that `client` talks to"],
    },
    "q4": {
        "the manifest first": [("    files = []\n    for name, table", "    files = []\n    client.put_object(Bucket=bucket, Key=manifest, Body=b'{}')\n    for name, table"), "is written first"],
        "a manifest that grows": [(PUT_FILE, PUT_FILE + "\n            client.put_object(Bucket=bucket, Key=manifest, Body=json.dumps({'files': files}).encode())"), "again and again"],
        "the old manifest": [("    client.delete_object(Bucket=bucket, Key=manifest)  # until all is there\n", ""), "earlier release still stands"],
        "the old manifest for a while": [("    client.delete_object(Bucket=bucket, Key=manifest)  # until all is there\n", ""), (MADE, "client.delete_object(Bucket=bucket, Key=manifest)\n    " + MADE), "earlier release still stands"],
        "the failure hidden": [(PUT_FILE, "try:\n                " + PUT_FILE + "\n            except Exception:\n                continue"), "hides that an upload was refused"],
        "written all the same": [(PUT_FILE, "try:\n                " + PUT_FILE + "\n            except Exception:\n                client.put_object(Bucket=bucket, Key=manifest, Body=b'{}')\n                raise"), "written all the same"],
        "the index": [("table.to_csv(index=False)", "table.to_csv()"), "index of the table"],
        "grown together": [(WITH_SLASH + "\n    manifest", 'prefix.rstrip("/")\n    manifest'), "grown onto its name"],
        "two slashes": [(WITH_SLASH + "\n    manifest", 'prefix + "/"\n    manifest'), "two slashes"],
        "one format": [('[(f"{name}.csv", csv), (f"{name}.parquet", parquet)]', '[(f"{name}.csv", csv)]'), "to be there twice"],
        "characters": [('"size": len(data)', '"size": len(data.decode(errors="replace")) if file.endswith("csv") else len(data)'), "number of characters"],
        "MD5": [(SHA, "hashlib.md5(data).hexdigest()"), "MD5 sums or ETags"],
        "the ETag": [("client.put_object(Bucket=bucket, Key=folder + file, Body=data)", "answer = client.put_object(Bucket=bucket, Key=folder + file, Body=data)"), (SHA, "answer['ETag']"), "MD5 sums or ETags"],
        "one checksum": [(SHA, "hashlib.sha256(csv).hexdigest()"), "have one checksum"],
        "whole keys": [('{"file": file,', '{"file": folder + file,'), "names whole keys"],
        "another form": [('json.dumps({"files": files}, indent=2)', "json.dumps(files)"), "JSON of the form"],
        "the link printed": [(LINK, LINK.replace("return", "link =") + "\n    print(link)\n    return link"), "You print the presigned link"],
        "an address": [(LINK, 'return f"s3://{bucket}/{manifest}"'), "is an address"],
        "an hour": [("expires=600, ", ""), "for another time"],
        "a link to a file": [("presign(f\"s3://{bucket}/{manifest}\"", "presign(f\"s3://{bucket}/{folder}{file}\""), "Return a presigned link to"],
        "no link": [(LINK, ""), "Return a presigned link to"],
        "the tables changed": [("    text = json", "    tables['ratings'].iloc[0, 0] = 1\n    text = json"), "changes the tables"],
        "the page's client": [("    files = []\n    for name, table", "    client.put_object(Bucket='movielens-class', Key='a', Body=b'')\n    files = []\n    for name, table"), "on the server that `client` talks to"],
    },
    "q5": {
        "the manifest extra": [('{*listed, "manifest.json"}', "listed"), "itself is called extra"],
        "no slash": [AUDIT_FOLDER, ('removeprefix(folder): item', 'removeprefix(folder + "/"): item'), ('Key=folder + file)["Body"]', 'Key=folder + "/" + file)["Body"]'), "Objects of a neighbor"],
        "the ETag": [(STREAM, "hashlib.md5(read(file)).hexdigest() != client.head_object(Bucket=bucket, Key=folder + file)['ETag'].strip('\"') or " + STREAM), "uploaded in parts"],
        "whole keys": [("    return findings\n", "    return [(folder + file, what) for file, what in findings]\n"), "called by their whole keys"],
        "one page": [(LISTED, ONE_LISTED), "first page of the listing"],
        "two findings": [('            findings.append((file, "size"))\n        elif', '            findings.append((file, "size"))\n        if file in sizes and'), "One finding for each file"],
        "sizes only": [("elif " + STREAM, "elif False"), "comparing sizes cannot find that"],
        "nothing extra": [("if file not in {*listed", "if False and file not in {*listed"), "lists only"],
        "nothing missing": [('            findings.append((file, "missing"))\n', "            pass\n"), "lies there only"],
        "the first one": [("    return findings\n", "    return findings[:1]\n"), "stop at the first finding"],
        "read all the same": [('    if "manifest.json" not in sizes:\n        return [("manifest.json", "missing")]\n', ""), "that is not there is read"],
        "no manifest, no finding": [('return [("manifest.json", "missing")]', "return []"), "that is not there is read"],
        "words of one's own": [('(file, "missing")', '(file, "gone")'), "A problem is called one of"],
        "a dict": [("    return findings\n", "    return dict(findings)\n"), "list of pairs"],
        "the page's client": [(LISTED, LISTED.replace("{bucket}", "movielens-class")), "on the server that `client` talks to"],
    },
    "q6": {
        "no zeros": [('"unknown movie": ' + UNKNOWN + ",", '**({"unknown movie": n} if (n := ' + UNKNOWN + ") else {}),"), "number 0"],
        "films": [(UNKNOWN, "len({*ratings['movie_id']} - {*movies['movie_id']})"), "You count films. Count"],
        "unrated films": [(UNKNOWN, "(~movies['movie_id'].isin(ratings['movie_id'])).sum()"), "nobody has rated"],
        "all of them": [(TWICE, "ratings.duplicated(['user_id', 'movie_id'], keep=False)"), "all the rows of a pair"],
        "pairs": [(TWICE, "(ratings.groupby(['user_id', 'movie_id']).size() > 1)"), "You count pairs"],
        "whole rows": [(TWICE, "ratings.duplicated()"), "compare whole rows"],
        "rows but for the time": [(TWICE, "ratings.duplicated(['user_id', 'movie_id', 'rating'])"), "compare whole rows"],
        "users": [(TWICE, "ratings.duplicated('user_id')"), "users only"],
        "no NaN": [(SCALE, "((ratings['rating'] < 0.5) | (ratings['rating'] > 5)).sum()"), "missing rating"],
        "between": [(SCALE, "(~ratings['rating'].between(0.5, 5)).sum()"), "3.7 is between"],
        "whole stars": [(SCALE, "(~ratings['rating'].isin(range(1, 6))).sum()"), "Half stars"],
        "the table changed": [("    return {\n        \"unknown", "    ratings['seen'] = 1\n    return {\n        \"unknown"), "changes the table"],
        "a list": [("(np.arange(1, 11) / 2)).sum(),\n    }", "(np.arange(1, 11) / 2)).sum(),\n    }.values()"), "Return a dict"],
    },
}  # fmt: skip
