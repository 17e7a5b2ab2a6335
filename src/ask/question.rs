//! One question of a template, in the form its answers have.

use dialoguer::{FuzzySelect, Input, MultiSelect, Password, Select};

use super::{agrees, answer, picked};
use crate::error::Result;
use crate::questions::{Answer, Choice, Form, Question};

/// More choices than these are searched, not scrolled.
const A_FEW: usize = 15;

/// Asks until there is a good answer. Enter takes the usual one.
pub fn ask(question: &Question, usual: Option<&Answer>) -> Result<Answer> {
    // What the template wrote must not move the cursor.
    let prompt = question.ask.escape_debug().to_string();
    match &question.form {
        Form::Text { .. } | Form::Integer(..) => text(question, &prompt, usual),
        Form::Bool => {
            let yes = usual == Some(&Answer::Bool(true));
            let prompt = format!("{prompt} (y/n)");
            agrees(&prompt, if yes { "y" } else { "n" }).map(Answer::Bool)
        }
        Form::One(choices) => one(&prompt, choices, usual),
        Form::Many(choices) => many(&prompt, choices, usual),
    }
}

fn text(question: &Question, prompt: &str, usual: Option<&Answer>) -> Result<Answer> {
    let good = |text: &String| question.form.parse(text).map(drop);
    let typed = if question.secret {
        let hidden = Password::new().with_prompt(prompt);
        let hidden = hidden.allow_empty_password(true);
        picked(|| hidden.validate_with(good).interact())?
    } else {
        let input = Input::<String>::new().with_prompt(prompt).allow_empty(true);
        let input = match usual {
            Some(usual) => input.default(usual.to_string()),
            None => input,
        };
        answer(input.validate_with(good))?
    };
    let parsed = question.form.parse(&typed);
    // It was good a moment ago.
    Ok(parsed.unwrap_or(Answer::Text(typed)))
}

fn labels(choices: &[Choice]) -> Vec<String> {
    let labels = choices.iter();
    labels
        .map(|choice| choice.label.escape_debug().to_string())
        .collect()
}

fn one(prompt: &str, choices: &[Choice], usual: Option<&Answer>) -> Result<Answer> {
    let usual = usual.map(ToString::to_string);
    let mut values = choices.iter();
    let at = values.position(|choice| Some(&choice.value) == usual.as_ref());
    let at = at.unwrap_or(0);
    let picked = if choices.len() > A_FEW {
        let list = FuzzySelect::new().with_prompt(format!("{prompt} (type to search)"));
        picked(|| list.items(labels(choices)).default(at).interact())?
    } else {
        let list = Select::new().with_prompt(prompt);
        picked(|| list.items(labels(choices)).default(at).interact())?
    };
    Ok(Answer::Text(choices[picked].value.clone()))
}

fn many(prompt: &str, choices: &[Choice], usual: Option<&Answer>) -> Result<Answer> {
    let marked = |choice: &Choice| match usual {
        Some(Answer::Many(values)) => values.contains(&choice.value),
        _ => false,
    };
    let defaults = choices.iter().map(marked).collect::<Vec<_>>();
    let list = MultiSelect::new().with_prompt(format!("{prompt} (space marks, Enter goes on)"));
    let list = list.items(labels(choices)).defaults(&defaults);
    let picked = picked(|| list.interact())?;
    let values = picked.into_iter().map(|at| choices[at].value.clone());
    Ok(Answer::Many(values.collect()))
}
