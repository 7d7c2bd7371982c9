"""Lab 4: a second right answer, and wrong ones: what to replace in the solution, and the hint.

One wrong answer is one line, however long.
"""
# ruff: noqa: E501

NEEDS = "torch"
BEFORE = "import torch\nfrom torch import nn\n"
MAY_WARN = "Using a target size"  # of a prediction that is a table instead of a row

ANOTHER = """
import copy

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


def predict(mean, parameters, rows, columns):
    b_u, b_i, p, q = parameters
    taste = torch.einsum("nf,nf->n", p.index_select(0, rows), q.index_select(0, columns))
    return taste.add(b_u[rows]).add(b_i[columns]) + torch.tensor(mean)


def train_step(mean, parameters, batch, n_ratings, l2, learning_rate):
    optimizer = torch.optim.SGD(parameters, lr=learning_rate)
    optimizer.zero_grad()
    rows, columns, stars = batch
    loss = F.mse_loss(predict(mean, parameters, rows, columns), stars)
    for part in parameters:
        loss = loss + l2 * part.norm() ** 2 / n_ratings
    loss.backward()
    optimizer.step()
    return loss


class Factorization(nn.Module):
    def __init__(self, n_users, n_items, factors, mean):
        super().__init__()
        self.register_buffer("mean", torch.as_tensor(mean, dtype=torch.float32))
        for name, n in [("user", n_users), ("item", n_items)]:
            setattr(self, f"{name}_bias", nn.Parameter(torch.zeros(n)))
            table = torch.empty(n, factors)
            setattr(self, f"{name}_factors", nn.Parameter(nn.init.xavier_uniform_(table)))

    def forward(self, rows, columns):
        parts = self.user_bias, self.item_bias, self.user_factors, self.item_factors
        return predict(float(self.mean), parts, rows, columns)


def fit(module, optimizer, batches, validation, epochs, patience):
    lowest, waited, curve, best = float("inf"), 0, [], None
    while len(curve) < epochs and waited < patience:
        module = module.train(True)
        for *pairs, stars in batches:
            optimizer.zero_grad()
            F.mse_loss(module(*pairs), stars).backward()
            optimizer.step()
        module.train(False)
        *pairs, stars = validation
        curve.append(F.mse_loss(module(*pairs), stars).sqrt())
        waited += 1
        if curve[-1] < lowest:
            lowest, waited, best = curve[-1], 0, copy.deepcopy(module.state_dict())
    module.load_state_dict(best)
    return curve


def best_films(module, users, items, user_ids, seen, k=10):
    module.eval()
    row_of = {user: row for row, user in enumerate(users.tolist())}
    all_ids, all_stars = [], []
    for user in user_ids:
        left = [c for c, film in enumerate(items.tolist()) if film not in set(seen[user].tolist())]
        columns = torch.tensor(left)
        stars = module(torch.tensor([row_of[user]] * len(left)), columns)
        best, order = torch.topk(stars, min(k, len(left)))
        ids = items[columns[order].numpy()].tolist()
        all_ids.append(ids + [-1] * (k - len(ids)))
        all_stars.append(best.tolist() + [-np.inf] * (k - len(ids)))
    return torch.tensor(all_ids), torch.tensor(all_stars)
"""

TASTE = "(p[rows] * q[columns]).sum(dim=1)"
PREDICTED = f"return mean + b_u[rows] + b_i[columns] + {TASTE}"
ERRORS = "errors = predict(mean, parameters, rows, columns) - stars"
PENALTY = "l2 / n_ratings * penalty"
SUPER = "        super().__init__()\n        self.user_bias"
USER_BIAS = "self.user_bias = nn.Parameter(torch.zeros(n_users))"
USER_FACTORS = "self.user_factors = nn.Parameter(0.05 * torch.randn(n_users, factors))"
MEAN = 'self.register_buffer("mean", torch.tensor(float(mean)))'
FORWARD = "return self.mean + self.user_bias[rows] + self.item_bias[columns] + taste"
CLONED = "{name: value.clone() for name, value in weights}"
MEASURED = "curve.append(((module(rows, columns) - stars) ** 2).mean().sqrt().item())"
WAITING = "elif len(curve) - 1 - best_epoch >= patience:"
LOADED = "    module.load_state_dict(best_weights)\n    return curve"
HIDDEN = "stars[n, np.isin(items, seen[user])] = -np.inf"
LISTED = "best, best_stars = top_k(stars, k)\n"
RETURNED = "return np.where(best >= 0, items[best], -1), best_stars"
ROWS = "zip(user_ids, np.searchsorted(users, user_ids), strict=True)"

WRONG = {
    "q1": {
        "the example's output": [(PREDICTED, "return torch.tensor([4.1, 2.2])"), "example on the page"],
        "everybody with everything": [(TASTE, "p[rows] @ q[columns].T"), "This is a matrix"],
        "a dimension kept": [(".sum(dim=1)", ".sum(dim=1, keepdim=True)"), "This is a matrix"],
        "not added up": [(TASTE, "p[rows] * q[columns]"), "not added up over its factors"],
        "added up along the batch": [(".sum(dim=1)", ".sum(dim=0)"), "not added up over its factors"],
        "one sum for all": [(".sum(dim=1)", ".sum()"), "products of all pairs"],
        "rows for columns": [("(mean, parameters, rows, columns):\n    \"\"\"Return the pred", "(mean, parameters, columns, rows):\n    \"\"\"Return the pred"), "mixed up"],
        "no mean": [("return mean + b_u", "return b_u"), "mean $\\mu$ is missing"],
        "one bias": [(" + b_i[columns]", ""), "A bias is missing"],
        "no taste": [(f" + {TASTE}", ""), "The taste is missing"],
        "clipped": [(PREDICTED, f"{PREDICTED.replace('return ', 'return (')}).clamp(0.5, 5)"), "ends of the scale"],
        "no gradient": [(TASTE, f"{TASTE}\n    return stars.detach()"), (PREDICTED.partition(" + (")[0], f"stars = {PREDICTED.partition(' + (')[0][7:]}"), "cut off from the parameters"],
        "a parameter in place": [(PREDICTED, f"b_u += mean\n    {PREDICTED}"), "adds to a parameter in place"],
        "rows in place": [(PREDICTED, f"stars = {PREDICTED[7:]}\n    rows += 1\n    return stars"), "changes what it is given"],
        "a column of stars": [(PREDICTED, f"return ({PREDICTED[7:]})[:, None]"), "one number for each pair"],
    },
    "q2": {
        "recorded": [("    with torch.no_grad():\n        for part in parameters:\n            part -=", "    if True:\n        for part in parameters:\n            part -="), "must not be recorded"],
        "a loss that is cut off": [(ERRORS, f"{ERRORS.partition(' - ')[0]}.detach() - stars"), ("penalty = sum((part**2)", "penalty = sum((part.detach()**2)"), "cut off from the parameters"],
        "new tensors": [("part -= learning_rate * part.grad\n            part.grad = None", "part = part - learning_rate * part.grad"), "have not changed"],
        "gradients kept": [("            part.grad = None\n", ""), "are still there"],
        "the penalty summed": [(PENALTY, "l2 * penalty"), "summed and not scaled"],
        "the penalty by the batch": [(PENALTY, "l2 / len(stars) * penalty"), "size of the batch"],
        "the penalty a mean": [(PENALTY, "l2 * penalty"), ("(part**2).sum()", "(part**2).mean()"), "a mean over the parameters"],
        "no penalty": [(f" + {PENALTY}", ""), "penalty is missing"],
        "factors alone penalized": [("for part in parameters)", "for part in parameters[2:])"), "Only a part"],
        "biases alone penalized": [("for part in parameters)", "for part in parameters[:2])"), "Only a part"],
        "errors summed": [("(errors**2).mean()", "(errors**2).sum()"), "squared errors are summed"],
        "all summed": [("(errors**2).mean()", "(errors**2).sum()"), (PENALTY, "l2 * penalty"), "squared errors are summed"],
        "up": [("part -= learning_rate", "part += learning_rate"), "The step goes up"],
        "a column against a row": [(ERRORS, f"{ERRORS.partition(' - ')[0]}[:, None] - stars"), "stars of every pair"],
        "no mean": [(ERRORS, ERRORS.replace("mean, ", "0.0, ")), "so the biases must learn it"],
        "another loss": [("return loss.item()", "return (errors**2).mean().item()"), "the loss you return is not"],
        "the loss after the step": [("return loss.item()", "errors = predict(mean, parameters, rows, columns) - stars\n    return (errors**2).mean() + l2 / n_ratings * sum((part**2).sum() for part in parameters)"), "the loss you return is not"],
        "stars changed": [("    return loss.item()", "    stars -= mean\n    return loss.item()"), "changes what it is given"],
    },
    "q3": {
        "no super": [(SUPER, "        self.user_bias"), "must come first"],
        "the mean learned": [(MEAN, "self.mean = nn.Parameter(torch.tensor(float(mean)))"), "The mean is a parameter"],
        "plain tensors": [("nn.Parameter(", "("), "has no parameters"],
        "embeddings": [(USER_BIAS, "self.user_bias = nn.Embedding(n_users, 1)"), "nn.Embedding"],
        "a table of biases": [(USER_BIAS, USER_BIAS.replace("n_users)", "n_users, 1)")), "not (n, 1)"],
        "users for items": [("n_users, n_items, factors, mean):\n", "n_items, n_users, factors, mean):\n"), "mixed up in the shapes"],
        "on their side": [("torch.randn(n_users, factors)", "torch.randn(factors, n_users)"), "lie on their side"],
        "the mean not saved": [(MEAN, "self.mean = float(mean)"), "The mean is no buffer"],
        "factors of 0": [("0.05 * torch.randn(", "torch.zeros("), "Factors start at 0"],
        "factors of 0.1": [("0.05 * torch.randn(", "0.1 * torch.ones("), "start at the same value"],
        "large factors": [("0.05 * torch.randn(", "torch.randn("), "start too large"],
        "factors of one sign": [("0.05 * torch.randn(", "torch.rand("), "start too large"],
        "random biases": [("torch.zeros(n_items)", "0.05 * torch.randn(n_items)"), "biases start at random"],
        "a matrix": [("(self.user_factors[rows] * self.item_factors[columns]).sum(dim=1)", "self.user_factors[rows] @ self.item_factors[columns].T"), "`forward` returns a matrix"],
        "no mean": [(FORWARD, FORWARD.replace("self.mean + ", "")), "`forward` forgets the mean"],
        "no gradient": [(FORWARD, FORWARD.replace("self.mean + ", "self.mean + (") + ").detach()"), "but cut off"],
        "one parameter more": [(MEAN, f"{MEAN}\n        self.scale = nn.Parameter(torch.ones(1))"), "The parameters should be"],
        "no forward": [("def forward(self", "def predict(self"), "lacks `forward`"],
    },
    "q4": {
        "no step": [("            optimizer.step()\n", ""), "the curve is flat"],
        "gradients kept": [("            optimizer.zero_grad()\n", ""), "batch before are still there"],
        "the loss summed": [("loss = ((module(rows, columns) - stars) ** 2).mean()", "loss = ((module(rows, columns) - stars) ** 2).sum()"), "summed over the batch"],
        "validation trained on": [("stars in batches:", "stars in [*batches, validation]:"), "learns from the validation"],
        "never eval": [("        module.eval()\n", ""), "validate in training mode"],
        "train once": [("    for _ in range(epochs):\n        module.train()\n", "    module.train()\n    for _ in range(epochs):\n"), "From the second epoch on"],
        "no root": [(".mean().sqrt().item())", ".mean().item())"), "mean squared errors"],
        "the training error": [("        rows, columns, stars = validation\n", "        rows, columns, stars = (torch.cat(part) for part in zip(*batches))\n"), "comes from the training ratings"],
        "no patience": [(WAITING, "elif False:"), "goes on to the last epoch"],
        "no patience at all": [(WAITING, "else:"), "first epoch that brings no new best"],
        "in total": [("curve, best_weights = [], None", "curve, best_weights, bad = [], None, 0"), (WAITING, "else:\n            bad += 1\n        if bad >= patience:"), "A new best starts the count"],
        "one late": [(WAITING, WAITING.replace(">=", ">")), "one epoch off"],
        "one early": [(WAITING, WAITING.replace("patience", "patience - 1")), "one epoch off"],
        "the last epoch's error lost": [(LOADED, LOADED.replace("curve", "curve[:-1]")), "lacks the last epoch"],
        "the last weights": [(LOADED, "    return curve"), "weights of the last epoch"],
        "no copy": [(CLONED, "dict(weights)"), "`state_dict()` alone is no copy"],
        "best weights only when stopped": [("            break\n" + LOADED, "            module.load_state_dict(best_weights)\n            break\n    return curve"), "also when the epochs ran out"],
        "left in training mode": [(LOADED, LOADED.replace("    return", "    module.train()\n    return")), "left in training mode"],
        "stars changed": [(LOADED, LOADED.replace("    return", "    stars -= stars.mean()\n    return")), "changes what it is given"],
        "nothing returned": [(LOADED, LOADED.replace("return curve", "pass")), "does your function return?"],
        "a mean over all": [(LOADED, LOADED.replace("curve", "min(curve)")), "one number for each epoch"],
    },
    "q5": {
        "the example's output": [(RETURNED, "return [[40, 30, -1]], [[5.6, 2.95, -np.inf]]"), "example on the page"],
        "one too many": [(LISTED, "best, best_stars = top_k(stars, k + 1)\n"), "too long or too short"],
        "one too few": [(LISTED, "best, best_stars = top_k(stars, k)\n    best, best_stars = best[:, 1:], best_stars[:, 1:]\n"), "too long or too short"],
        "user ids as rows": [(ROWS, "zip(user_ids, user_ids)"), "used as a row or column"],
        "the first rows": [(ROWS, "zip(user_ids, range(len(user_ids)))"), "used as a row or column"],
        "films' ids as columns": [(HIDDEN, "stars[n, [f for f in seen[user] if f < len(items)]] = -np.inf"), "used as a row or column"],
        "columns for ids": [(RETURNED, "return best, best_stars"), "are columns of the table"],
        "the map inverted": [(HIDDEN, "film_in = dict(enumerate(items))\n        stars[n, [film_in[f] for f in seen[user]]] = -np.inf"), "wrong way around"],
        "places of what is not there": [(HIDDEN, "stars[n, np.searchsorted(items, seen[user])] = -np.inf"), "does not know hides another"],
        "a film without a column in a map": [(HIDDEN, "stars[n, [dict(zip(items, columns.tolist()))[f] for f in seen[user]]] = -np.inf"), "a film that the module does not know?"],
        "hidden from all": [(HIDDEN, "stars[n, np.isin(items, [*seen.values()])] = -np.inf"), "hidden from all"],
        "dropped too late": [(HIDDEN, "pass"), (LISTED, "best, best_stars = top_k(stars, k)\n    gone = np.array([np.isin(items[b], seen[u]) for b, u in zip(best, user_ids)])\n    best_stars[gone] = -np.inf\n    best[gone] = -1\n    order = np.argsort(-best_stars, axis=1, kind='stable')\n    best, best_stars = np.take_along_axis(best, order, 1), np.take_along_axis(best_stars, order, 1)\n"), "dropped after the best were taken"],
        "training mode": [("    module.eval()\n    columns", "    module.train()\n    columns"), "predictions of the training mode"],
        "the worst first": [(LISTED, "stars[stars == -np.inf] = np.inf\n    best, best_stars = top_k(-stars, k)\n    best_stars = np.where(best >= 0, -best_stars, -np.inf)\n"), "worst films come first"],
        "filled with films": [(LISTED, "best = np.argsort(-stars, axis=1)[:, :k]\n    best_stars = np.take_along_axis(stars, best, axis=1)\n"), "rest of the row is filled"],
        "seen films": [(HIDDEN, "pass"), "that the person has seen"],
        "more than there are": [(LISTED, "tops = [torch.topk(torch.tensor(s[s > -np.inf]), k) for s in stars]\n    best = np.array([np.flatnonzero(s > -np.inf)[t.indices.numpy()] for s, t in zip(stars, tops)])\n    best_stars = np.array([t.values.numpy() for t in tops])\n"), "fewer films than `k`"],
        "a gradient": [("        with torch.no_grad():\n            stars[n] =", "        if True:\n            stars[n] ="), "needs no gradient"],
        "seen changed": [(HIDDEN, f"{HIDDEN}\n        seen[user].sort()"), "changes what it is given"],
        "ids alone": [(RETURNED, RETURNED.removesuffix(", best_stars")), "Return a pair"],
    },
}  # fmt: skip
