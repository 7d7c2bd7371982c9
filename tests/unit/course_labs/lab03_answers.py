"""Lab 3: a second right answer, and wrong ones: what to replace in the solution, and the hint.

One wrong answer is one line, however long.
"""
# ruff: noqa: E501

ANOTHER = """
import numpy as np
import pandas as pd
from sklearn.metrics.pairwise import cosine_similarity
from course_utils.evaluation import recommend_all
from course_utils.metrics import recall


def recommend(vectors, seen, N=10):
    near = cosine_similarity(vectors)
    chosen = []
    if len(seen):
        mean = near[:, list(seen)].mean(axis=1)
        chosen = [i for i in np.argsort(-mean, kind="stable") if i not in set(seen)][:N]
    rest = N - len(chosen)
    return [int(i) for i in chosen] + [-1] * rest, [mean[i] for i in chosen] + [-np.inf] * rest


class BertContentModel:
    def __init__(self, embeddings, items):
        rows = {movie: row for row, movie in enumerate(embeddings.movie_ids)}
        self.vectors = np.stack([embeddings.vectors[rows[movie]] for movie in items])

    def fit(self, user_items):
        return self

    def recommend(self, userids, user_items, N=10):
        answers = [recommend(self.vectors, row.indices, N) for row in user_items]
        return tuple(np.array(part) for part in zip(*answers))


def recall_per_user(models, train, test, k=10):
    users = np.flatnonzero(test.getnnz(axis=1))
    table = {}
    for name, model in models.items():
        model.fit(train)
        ids = recommend_all(model, train, users, k=k, progress=False)
        table[name] = recall(ids, test[users], k=k)
    return pd.DataFrame(table, index=users)


def paired_difference(a, b):
    differences = np.array(a) - np.array(b)
    n = len(differences)
    draws = np.random.default_rng(1).integers(0, n, size=(2000, n))
    return [differences.mean(), *np.quantile(differences[draws].mean(axis=1), [0.025, 0.975])]


def verdict(a, b):
    from scipy.stats import ttest_rel
    if np.array_equal(a, b):
        return "cannot tell"
    t, p = ttest_rel(a, b)
    return "cannot tell" if p > 0.05 else "better" if t > 0 else "worse"
"""

UNIT = "unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)"
FILTER = "        scores[seen] = -np.inf\n"
NOTHING_SEEN = "if len(seen) == 0:"
BEST = "    ids, best = top_k(scores[None], N)\n    return ids[0], best[0]\n"
LEFT = "np.setdiff1d(np.arange(len(vectors)), seen)"
COUNTED = " / np.maximum(counts, 1)[:, None]"
ALIGNED = "embeddings.aligned(items).vectors"
OWN_UNIT = "self.vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)"
HALF = "half = 1.96 * differences.std(ddof=1) / np.sqrt(len(differences))"
FOUND = "difference, difference - half, difference + half"
WORD = '_, low, high = paired_difference(a, b)\n    return "better" if low > 0 else "worse" if high < 0 else "cannot tell"'
BY_SIGN = '"better" if np.mean(a - b) > 0 else "worse"'

WRONG = {
    "q1": {
        "the example's output": [(f"    {UNIT}", f"    return [3, 2], [0.78, 0.30]\n    {UNIT}"), "example on the page"],
        "the mean of nothing": [(NOTHING_SEEN, "if False:"), ("unit @ unit[seen].mean(axis=0)", "unit @ (unit[seen].sum(axis=0) / np.float64(len(seen)))"), "0 / 0 is NaN"],
        "the mean of nothing, with an error": [(NOTHING_SEEN, "if False:"), ("unit @ unit[seen].mean(axis=0)", "unit @ (unit[seen].sum(axis=0) * (1 / len(seen)))"), "0 / 0 is NaN"],
        "films for nothing": [("scores = np.full(len(unit), -np.inf)", "scores = np.zeros(len(unit))"), "gets films all the same"],
        "popular films for nothing": [("scores = np.full(len(unit), -np.inf)", "scores = np.linspace(1, 0, len(unit))"), "gets films all the same"],
        "a short list": [(BEST, f"    left = {LEFT} if len(seen) else np.array([], int)\n    order = left[np.argsort(-scores[left])][:N]\n    return order, scores[order]\n"), "too short"],
        "a partition": [(BEST, "    order = np.argpartition(-scores, N)[:N]\n    order = order[np.argsort(-scores[order])]\n    return np.where(scores[order] > -np.inf, order, -1), scores[order]\n"), ("    unit =", "    N = N + (len(seen) == 5) * 3\n    unit ="), "too short"],
        "one more": [("top_k(scores[None], N)", "top_k(scores[None], N + 1)"), "`N` is not respected"],
        "one less": [("top_k(scores[None], N)", "top_k(scores[None], N - 1)"), "`N` is not respected"],
        "always ten": [("top_k(scores[None], N)", "top_k(scores[None], 10)"), "`N` is not respected"],
        "seen at the end": [(BEST, "    order = np.argsort(-scores)[:N]\n    return order, scores[order]\n"), ("if len(seen) == 0:", "if len(seen) == 0:\n        return np.full(N, -1), np.full(N, -np.inf)\n    if False:"), "Their ids should be -1"],
        "seen films": [(FILTER, ""), "seen already"],
        "among the unseen": [(BEST, f"    left = {LEFT}\n    ids, best = top_k(scores[left][None], N)\n    return ids[0], best[0]\n"), "count among the unseen"],
        "lengths along the wrong axis": [("axis=1, keepdims", "axis=0, keepdims"), "wrong axis"],
        "the mean along the wrong axis": [("[seen].mean(axis=0)", "[seen].mean(axis=1)"), "wrong axis"],
        "a sum": [("[seen].mean(axis=0)", "[seen].sum(axis=0)"), "added up"],
        "raw": [(UNIT, "unit = vectors"), "raw vectors, so that a film with a long vector"],
        "a raw product": [("unit @ unit[seen]", "vectors @ unit[seen]"), "raw vectors, so that a film with a long vector"],
        "a raw mean": [("unit @ unit[seen]", "unit @ vectors[seen]"), "*before*"],
        "a cosine with the raw mean": [("unit @ unit[seen].mean(axis=0)", "unit @ vectors[seen].mean(axis=0) / np.linalg.norm(vectors[seen].mean(axis=0))"), "*before*"],
        "the user vector normalized": [("unit @ unit[seen].mean(axis=0)", "unit @ unit[seen].mean(axis=0) / np.linalg.norm(unit[seen].mean(axis=0))"), "user vector too"],
        "the nearest": [("unit @ unit[seen].mean(axis=0)", "(unit @ unit[seen].T).max(axis=1)"), "most similar film seen"],
        "the worst first": [("scores = unit @", "scores = -unit @"), ("ids[0], best[0]", "ids[0], -best[0]"), (f"{FILTER}", f"{FILTER}        if False: pass\n"), ("best = top_k(scores[None], N)\n", "best = top_k(scores[None], N)\n    best = np.where(ids < 0, np.inf, best)\n"), "least fitting"],
        "positive scores only": [(FILTER, f"{FILTER}        scores[scores <= 0] = -np.inf\n"), "0 or below"],
        "the vectors changed": [(UNIT, "vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)\n    unit = vectors"), "changes the arrays"],
        "the ids alone": [("return ids[0], best[0]", "return ids[0]"), "Return a pair"],
        "a table of one row": [("ids[0], best[0]", "ids, best"), "take `[0]`"],
    },
    "q2": {
        "rows as columns": [(ALIGNED, "embeddings.vectors[: len(items)]"), "taken for the columns"],
        "rows as columns, all of them": [(ALIGNED, "embeddings.vectors"), "taken for the columns"],
        "a search in ids that are not sorted": [(ALIGNED, "embeddings.vectors[np.minimum(np.searchsorted(embeddings.movie_ids, items), len(items) - 1)]"), "taken for the columns"],
        "rows taken twice": [("        counts =", "        user_items = user_items[userids]\n        counts ="), "wrong rows"],
        "rows of the training set": [("        return self\n", "        self.train = user_items\n        return self\n"), ("        counts =", "        user_items = self.train[userids]\n        counts ="), "wrong rows"],
        "everybody": [("        return self\n", "        self.train = user_items\n        return self\n"), ("        counts =", "        user_items = self.train\n        counts ="), "wrong rows"],
        "the mean of nothing": [("np.maximum(counts, 1)", "counts.astype(float)"), ("        scores[counts == 0] = -np.inf\n", ""), "0 / 0 is NaN"],
        "always ten": [("top_k(scores, N)", "top_k(scores, 10)"), "`N` is not respected"],
        "one less": [("top_k(scores, N)", "top_k(scores, N - 1)"), "`N` is not respected"],
        "seen films": [("        scores[user_items.nonzero()] = -np.inf\n", ""), "from the user's history"],
        "films for nothing": [("        scores[counts == 0] = -np.inf\n", ""), "gets films all the same"],
        "movie ids": [("        return top_k(scores, N)", "        ids, best = top_k(scores, N)\n        return np.where(ids >= 0, self.items[ids], -1), best"), ("        vectors = emb", "        self.items = items\n        vectors = emb"), "ids are movie ids"],
        "a sum": [(COUNTED, ""), "added up the vectors"],
        "a mean over all films": [(COUNTED, " / user_items.shape[1]"), "number of all films"],
        "the user vector normalized": [("        scores = user_vectors", "        user_vectors /= np.maximum(np.linalg.norm(user_vectors, axis=1), 1e-9)[:, None]\n        scores = user_vectors"), "user vector too"],
        "raw": [(OWN_UNIT, "self.vectors = vectors"), "raw vectors somewhere"],
        "one list for all": [("        scores = user_vectors", "        user_vectors = np.tile(user_vectors.mean(axis=0), (len(counts), 1))\n        scores = user_vectors"), "same scores"],
        "positive scores only": [("        return top_k", "        scores[scores <= 0] = -np.inf\n        return top_k"), "0 or below"],
        "the embeddings changed": [("        vectors = emb", "        embeddings.vectors[:] /= np.linalg.norm(embeddings.vectors, axis=1, keepdims=True)\n        vectors = emb"), "changes the arrays"],
        "no recommend": [("def recommend(self", "def recommends(self"), "lacks `recommend`"],
    },
    "q3": {
        "never fitted": [("        model.fit(train)\n", ""), "before it is fitted"],
        "fitted on the test set": [("model.fit(train)", "model.fit(test)"), "seen the answers"],
        "fitted on everything": [("model.fit(train)", "model.fit(train + test)"), "seen the answers"],
        "swapped": [("evaluate(model, train, test", "evaluate(model, test, train"), "swapped"],
        "always ten": [("k=k", "k=10"), ("recall@{k}", "recall@10"), "`k` is not respected"],
        "a column that is not there": [("recall@{k}", "recall@10"), "`k` is not respected"],
        "one less": [("k=k", "k=k - 1"), ("recall@{k}", "recall@{k - 1}"), "`k` is not respected"],
        "means": [("result.per_user[f\"recall@{k}\"]", "[result.summary[f\"recall@{k}\"]]"), "one mean for each model"],
        "precision": [("recall@", "precision@"), "another metric"],
        "hit rate": [("recall@", "hit_rate@"), "another metric"],
        "always the same model": [("result = evaluate(model,", "result = evaluate(list(models.values())[0],"), "same values"],
        "an array": [("pd.DataFrame(columns)", "pd.DataFrame(columns).to_numpy()"), "DataFrame with a column"],
    },
    "q4": {
        "the example's output": [(FOUND, "0.25, 0.0, 0.5"), "example on the page"],
        "turned around": [("np.asarray(a) - np.asarray(b)", "np.asarray(b) - np.asarray(a)"), "turned around"],
        "high before low": [(FOUND, "difference, difference + half, difference - half"), "low end is above"],
        "distances": [(FOUND, "difference, half, half"), "distances from the difference"],
        "two groups": [(HALF, "half = 1.96 * np.sqrt((np.var(a) + np.var(b)) / len(differences))"), "two unrelated groups"],
        "two intervals": [(HALF, "half = 1.96 * (np.std(a) + np.std(b)) / np.sqrt(len(differences))"), "two unrelated groups"],
        "the standard deviation": [(" / np.sqrt(len(differences))", ""), "single users spread"],
        "quantiles of users": [(FOUND, "difference, np.quantile(differences, 0.025), np.quantile(differences, 0.975)"), "single users spread"],
        "one standard error": [("half = 1.96 *", "half ="), "two of three cases"],
        "90 percent": [("half = 1.96 *", "half = 1.645 *"), "another level"],
        "99 percent": [("half = 1.96 *", "half = 2.576 *"), "another level"],
        "the interval of a": [(HALF, "half = 1.96 * np.std(a) / np.sqrt(len(differences))"), "one model's mean"],
        "relative": [("difference = differences.mean()", "difference = differences.mean() / np.mean(b)"), "divided by the score"],
        "a sum": [("differences.mean()", "differences.sum()"), "added up the differences"],
        "the scores changed": [("differences = np.asarray(a) - np.asarray(b)", "a -= b\n    differences = a"), "changes the arrays"],
        "one number": [(FOUND, "difference"), "Return three numbers"],
    },
    "q5": {
        "better than itself": [("low > 0", "low >= 0"), "same scores cannot be told apart"],
        "turned around": [('"better" if low > 0 else "worse" if', '"worse" if low > 0 else "better" if'), "about the first model"],
        "never worse": [('"worse" if high < 0 else ', ""), "never say"],
        "by the sign": [(WORD, f"return {BY_SIGN}"), "sign of the mean"],
        "two intervals": [(WORD, "h = 1.96 / len(a) ** 0.5\n    low, high = a.mean() - h * a.std() - b.mean() - h * b.std(), a.mean() + h * a.std() - b.mean() + h * b.std()\n    return 'better' if low > 0 else 'worse' if high < 0 else 'cannot tell'"), "own intervals"],
        "two groups": [(WORD, "h = 1.96 * ((a.var() + b.var()) / len(a)) ** 0.5\n    m = a.mean() - b.mean()\n    return 'better' if m > h else 'worse' if m < -h else 'cannot tell'"), "own intervals"],
        "single users": [(WORD, "h = 1.96 * (a - b).std()\n    m = a.mean() - b.mean()\n    return 'better' if m > h else 'worse' if m < -h else 'cannot tell'"), "every single user"],
        "by the size": [(WORD, f"return 'cannot tell' if abs(np.mean(a - b)) < 0.02 else {BY_SIGN}"), "size of the difference"],
        "other words": [('"cannot tell"', '"same"'), "one of the words"],
        "the interval": [(WORD, "return paired_difference(a, b)"), "one of the words"],
        "a constant": [(WORD, "return 'cannot tell'"), "the answer is"],
    },
}  # fmt: skip
