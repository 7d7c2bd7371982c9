"""Lab 5: a second right answer, and wrong ones: what to replace in the solution, and the hint.

One wrong answer is one line, however long.
"""
# ruff: noqa: E501

MAY_WARN = ""  # whatever it says: a wrong answer may well take the mean of nothing

ANOTHER = """
import numpy as np
import pandas as pd
from sklearn.metrics.pairwise import cosine_similarity
from course_utils.models import EASE


def baseline(ratings, n_test, k):
    liked = ratings[ratings.rating >= 4].sort_values("timestamp")
    from_end = liked.groupby("user_id").cumcount(ascending=False)
    sizes = liked.groupby("user_id").user_id.transform("size")
    held = (from_end < n_test) & (sizes > n_test)
    train, test = liked[~held], liked[held]
    table = train.groupby("movie_id").size().reset_index(name="n")
    ranking = table.sort_values(["n", "movie_id"], ascending=[False, True]).movie_id.to_list()
    shares = {}
    for user in test.user_id.unique():
        own = set(train.movie_id[train.user_id == user])
        shown = set([film for film in ranking if film not in own][:k])
        wanted = set(test.movie_id[test.user_id == user])
        shares[user] = len(shown & wanted) / len(wanted)
    return {"recall": np.mean(list(shares.values())), "n_train": len(train), "n_test": len(test)}


def blend(behavior, content, counts, seen, weight):
    result = np.full(behavior.shape, -np.inf)
    for user in range(len(behavior)):
        open_ = [i for i in range(len(counts)) if not seen[user, i]]
        warm = [i for i in open_ if counts[i] > 0]
        if not seen[user].any():
            result[user] = counts
            continue
        b, c = behavior[user], content[user]
        sd_b, sd_c = b[warm].std(), c[open_].std()
        for i in open_:
            by_c = (c[i] - c[open_].mean()) / sd_c if sd_c > 1e-12 else 0.0
            by_b = (b[i] - b[warm].mean()) / sd_b if sd_b > 1e-12 else 0.0
            result[user, i] = weight * by_b + (1 - weight) * by_c if counts[i] else by_c
    return result


class MyHybrid:
    def fit(self, train, vectors):
        self.behavior = EASE(l2=50.0).fit(train)
        self.content = cosine_similarity(vectors)
        self.counts = np.bincount(train.indices, minlength=train.shape[1])

    def recommend(self, userids, user_items, N=10):
        seen, n_items = user_items.toarray() > 0, len(self.counts)
        by_behavior = np.zeros(seen.shape)
        ids, scores = self.behavior.recommend(userids, user_items, N=n_items)
        row, place = np.nonzero(ids >= 0)
        by_behavior[row, ids[row, place]] = scores[row, place]
        table = blend(by_behavior, seen @ self.content, self.counts, seen, 0.5)
        order = np.argsort(-table, axis=1)[:, :N]
        best = np.take_along_axis(table, order, axis=1)
        short = ((0, 0), (0, max(N - n_items, 0)))
        ids = np.pad(np.where(best > -np.inf, order, -1), short, constant_values=-1)
        return ids, np.pad(best, short, constant_values=-np.inf)


def report(validation, test, baseline, groups):
    from course_utils.evaluation import mean_and_interval

    chosen = max(range(len(validation)), key=lambda row: validation[row].mean())
    gain = test[chosen] - baseline
    mean, low, high = (float(x[0]) for x in mean_and_interval(gain[:, None], n_boot=2000))
    means = {group: gain[groups == group].mean() for group in set(groups)}
    group = sorted(means, key=means.get)[0]
    says = f"We would not serve {group} by this model yet, since what they gain is {means[group]:.1%} and no more."
    return dict(chosen=chosen, mean=mean, low=low, high=high, group=group, number=means[group], limitation=says)
"""

LISTS = "return top_k(blend(behavior, content, self.counts, seen, self.weight), N)"
BLENDED = "blend(behavior, content, self.counts, seen, self.weight)"
ROWS = "behavior = (user_items @ self.neighbors).toarray()"
SAFE = "np.where(deviation > 1e-9, (scores - mean) / safe, 0)"
SCORES = "scores = np.where(warm, weight * by_behavior + (1 - weight) * by_content, by_content)"
NEWCOMERS = "scores = np.where(seen.any(axis=1, keepdims=True), scores, counts)\n"
UNIT = "np.where(lengths > 0, lengths, 1)"
POPULAR = "np.where(seen, -np.inf, np.tile(self.counts, (len(seen), 1)))"

WRONG = {
    "q1": {
        "trained on the test": [("counts = split.train[", "counts = to_implicit(ratings)["), "training on the test"],
        "seen films listed": [("if film not in has[user]]", "]"), "take the place"],
        "first ones held out": [("to_implicit(ratings, threshold=4.0)", 'to_implicit(ratings).assign(timestamp=lambda t: t["timestamp"].max() - t["timestamp"])'), "the past from the future"],
        "all ratings": [("threshold=4.0", "threshold=0.5"), "All ratings count"],
        "above 4": [("threshold=4.0", "threshold=4.5"), "`>=`, not `>`"],
        "new films dropped": [("        listed = [", "        films = films[films.isin(ranking)]\n        if films.empty:\n            continue\n        listed = ["), "flatters every model"],
        "precision": [("/ len(films)", "/ k"), "which is precision"],
        "hit rate": [("films.isin(listed).sum() / len(films)", "films.isin(listed).any()"), "share of people with a hit"],
        "changes the table": [("split = leave", 'ratings["rating"] += 0.001\n    split = leave'), "changes the table"],
        "no dict": [('return {"n_train"', 'return recall\n    {"n_train"'), "Return a dict"],
    },
    "q2": {
        "NaN": [(SAFE, "(scores - mean) / deviation"), "0 / 0 is no number"],
        "seen films": [("np.where(seen, -np.inf, scores)", "scores"), "so they would be recommended"],
        "raw": [(SAFE, "scores"), "blended as they come"],
        "over films": [("axis=1, keepdims=True, where", "axis=0, keepdims=True, where"), "Each person's row has its own"],
        "over the table": [("axis=1, keepdims=True, where", "keepdims=True, where"), "Each person's row has its own"],
        "over seen films": [("candidates, warm = ~seen", "candidates, warm = np.ones_like(seen)"), "Only candidates"],
        "cold blended": [(SCORES, "scores = weight * by_behavior + (1 - weight) * by_content"), "as if people had disliked it"],
        "cold get a share": [("by_content, by_content)", "by_content, (1 - weight) * by_content)"), "as if people had disliked it"],
        "cold in the mean": [("candidates & warm", "candidates"), "drag its mean down"],
        "newcomers by content": [(NEWCOMERS, "scores = scores\n"), "Somebody who has seen nothing"],
        "newcomers get nothing": [("scores, counts)", "scores, -np.inf)"), "Somebody who has seen nothing"],
        "weight turned": [("weight * by_behavior + (1 - weight) * by_content", "(1 - weight) * by_behavior + weight * by_content"), "turned around"],
        "changes its input": [("candidates, warm =", "behavior -= 1\n    candidates, warm ="), "changes `behavior`"],
    },
    "q3": {
        "N ignored": [(f"{BLENDED}, N", f"{BLENDED}, 10"), "`N` is not respected"],
        "rows looked up": [(ROWS, f"user_items = self.train[userids]\n        {ROWS}"), ("self.counts =", "self.train = train\n        self.counts ="), "looks up `userids`"],
        "whole matrix": [(ROWS, f"user_items = self.train\n        {ROWS}"), ("self.counts =", "self.train = train\n        self.counts ="), "looks up `userids`"],
        "NaN": [(UNIT, "lengths"), (SAFE, "(scores - mean) / safe"), "A score is NaN"],
        "padded with film 0": [(LISTS, f"ids, best = top_k({BLENDED}, N)\n        return np.maximum(ids, 0), best"), "which stands for no film"],
        "seen films": [("np.where(seen, -np.inf, scores)", "scores"), "films that the person has seen"],
        "ids of another kind": [(LISTS, f"ids, best = top_k({BLENDED}, N)\n        return np.where(ids >= 0, ids + 1000, -1), best"), "not columns of the matrix"],
        "newcomers get -1": [("scores, counts)", "scores, -np.inf)"), "get a row of -1"],
        "chance": [(f"top_k({BLENDED}, N)", f"top_k({BLENDED} + np.random.default_rng().normal(size=seen.shape), N)"), "Two models fitted"],
        "changes user_items": [("return top_k", "user_items.data[:] = 2\n        return top_k"), "`user_items` was changed"],
        "changes vectors": [("return self\n", "vectors /= 2\n        return self\n"), "`vectors` was changed"],
        "ids only": [(LISTS, f"return top_k({BLENDED}, N)[0]"), "Return a pair"],
    },
    "q4": {
        "newcomers get -1": [("scores, counts)", "scores, -np.inf)"), "get a row of -1"],
        "popularity for everybody": [(BLENDED, POPULAR), "Everybody gets the popular films"],
        "rows in another order": [(LISTS, f"return tuple(x[::-1] for x in top_k({BLENDED}, N))"), "suit others as well"],
        "cold never shown": [("by_content, by_content)", "by_content, -9.0)"), "never shown: behavior scores them 0"],
        "raw": [(SAFE, "scores"), (SCORES, "scores = weight * by_behavior + (1 - weight) * by_content"), "never shown: behavior scores them 0"],
        "newcomers by the first columns": [("scores, counts)", "scores, -np.arange(len(counts)))"), "films that few others like"],
        "seen films": [("np.where(seen, -np.inf, scores)", "scores"), "Solve step 3 first"],
    },
    "q5": {
        "newcomers get -1 and nothing else": [(BLENDED, f"np.where(seen.any(axis=1, keepdims=True), {POPULAR}, -np.inf)"), "get a row of -1"],
        "popularity for everybody": [(BLENDED, POPULAR), "Everybody gets the popular films"],
        "columns mixed up": [(BLENDED, f"np.roll({BLENDED}, 1, axis=1)"), "suit others as well"],
        "content alone": [("weight=0.6", "weight=0.0"), ("by_content, by_content)", "by_content, 1.0 * by_content)"), "lists of content alone"],
        "cold films first": [("by_content, by_content)", "by_content, by_content + 9)"), "films that nobody has yet"],
        "neighbors alone": [("weight=0.6", "weight=1.0"), ("by_content, by_content)", "by_content, -9.0)"), "one model shouts the other down"],
    },
    "q6": {
        "tuned on the test": [("np.mean(validation, axis=1)", "np.mean(test, axis=1)"), "tuned on the test"],
        "gain of the validation": [("gain = test[chosen]", "gain = validation[chosen]"), "which flatters"],
        "recall itself": [("gain = test[chosen] - baseline", "gain = test[chosen]"), "`mean` is the recall of the hybrid"],
        "how people differ": [(" / np.sqrt(len(gain))", ""), "how people differ"],
        "interval of the recall": [("1.96 * gain.std", "1.96 * test[chosen].std"), "not of the gain"],
        "best group": [("by_group.idxmin()), float(by_group.min())", "by_group.idxmax()), float(by_group.max())"), "group with the largest gain"],
        "recall of the group": [("by_group = pd.Series(gain)", "by_group = pd.Series(test[chosen])"), "speak of the recall"],
        "a number from the page": [("{number:+.3f}", "0.999"), "does not hold its number"],
        "interval beside the mean": [('"low": float(gain.mean() - reach)', '"low": float(gain.mean() + reach / 2)'), "does not hold the mean"],
        "too short": [("People in the group {group} gain least: their recall is", "{group}:"), ("so do not promise them more than that", ""), "write at least 12"],
        "no group": [("{group} gain", "gain"), "does not name the group"],
        "a key is missing": [('"low":', '"lower":'), "Return a dict with the keys"],
    },
}  # fmt: skip
