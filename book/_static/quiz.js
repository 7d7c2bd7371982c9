// "Check yourself" becomes a quiz: the choice of a question that is opened first is the answer.
// Choices stay the folds that they are in a notebook, which the keyboard and screen readers know.
// Without this script, or without a choice marked as right, nothing changes.
let quizQuestions = 0; // on the page: each needs an id of its own

for (const section of document.querySelectorAll("section:has(> details.right)")) {
  const paragraphs = [...section.querySelectorAll(":scope > p")];
  const questions = paragraphs.map(quizQuestion).filter(Boolean);
  if (questions.length) countAnswers(questions);
}

// Group a bold paragraph with the folds below it, if one of them is right. What stands between
// them, a table or code, belongs to the question.
function quizQuestion(paragraph) {
  const isBold = (element) => element.matches("p") && element.firstElementChild?.matches("strong");
  if (!isBold(paragraph)) return null;
  const parts = [paragraph];
  for (let next = paragraph.nextElementSibling; next; next = next.nextElementSibling) {
    const ended = parts.at(-1).matches("details") && !next.matches("details");
    if (ended || isBold(next)) break;
    parts.push(next);
  }
  const folds = parts.filter((part) => part.matches("details"));
  if (!folds.some((fold) => fold.matches(".right"))) return null;

  paragraph.id ||= `quiz-question-${++quizQuestions}`;
  const group = quizElement("div", { className: "quiz-question", role: "group" });
  group.setAttribute("aria-labelledby", paragraph.id);
  paragraph.before(group);
  group.append(...parts);
  return { group, choices: folds.map(quizChoice), first: null };
}

// The verdict is part of the summary, so that it is read out with the choice.
function quizChoice(fold) {
  const summary = fold.querySelector("summary");
  const verdict = quizElement("span", { className: "quiz-verdict" });
  summary.append(" ", verdict);
  return { fold, summary, verdict, right: fold.matches(".right") };
}

function countAnswers(questions) {
  const count = quizElement("p", { role: "status", ariaLive: "polite" });
  const again = quizElement("button", { type: "button", textContent: "Start again" });
  const end = quizElement("div", { className: "quiz-end" });
  end.append(count, again);
  questions.at(-1).group.after(end);

  const show = () => {
    const firsts = questions.map((question) => question.first).filter(Boolean);
    const right = firsts.filter((choice) => choice.right).length;
    const done = firsts.length === questions.length;
    const answered = `${firsts.length} of ${questions.length} answered, `;
    count.textContent =
      (done ? `${right} of ${questions.length}` : answered + right) + " right at the first try";
    again.hidden = !done;
  };
  const answer = (question, choice) => {
    if (choice.fold.open) return; // this click closes it
    question.first ??= choice;
    choice.fold.classList.add("answered");
    choice.verdict.textContent = choice.right ? "✓ right" : "✗ not this one";
    show();
  };
  for (const question of questions) {
    for (const choice of question.choices) {
      // Not "toggle": printing, and a search within the page, open folds too, and answer nothing.
      choice.summary.addEventListener("click", () => answer(question, choice));
    }
  }
  again.addEventListener("click", () => {
    for (const question of questions) question.first = null;
    for (const { fold, verdict } of questions.flatMap((question) => question.choices)) {
      fold.open = false;
      fold.classList.remove("answered");
      verdict.textContent = "";
    }
    show();
    // The button is hidden now, and cannot keep the focus.
    questions[0].choices[0].summary.focus({ preventScroll: true });
    questions[0].group.scrollIntoView({ block: "nearest" });
  });
  show();
}

function quizElement(tag, properties) {
  return Object.assign(document.createElement(tag), properties);
}
