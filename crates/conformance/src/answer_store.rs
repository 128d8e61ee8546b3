//! The promises of [`AnswerStore`].

use crate::tasks::at_once;
use campanile_core::port::{AnswerStore, Answered, Begun};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

const LONG: Duration = Duration::from_secs(600);
const SHORT: Duration = Duration::from_millis(100);

/// Proves a store of answers. Time passes for it as it does for everyone.
pub async fn answer_store(make: impl AsyncFn() -> Arc<dyn AnswerStore>) {
    what_was_answered_is_answered_again(&*make().await).await;
    another_question_is_told_from_it(&*make().await).await;
    what_is_given_up_begins_anew(&*make().await).await;
    a_part_is_told_until_there_is_an_answer(&*make().await).await;
    answers_come_back_to_the_byte(&*make().await).await;
    of_many_at_once_one_is_the_first(make().await).await;
    nothing_is_remembered_for_longer_than_its_time(&*make().await).await;
}

async fn begin(answers: &dyn AnswerStore, key: &str) -> Begun {
    answers.begin(key, "question", LONG).await.unwrap()
}

async fn answer(answers: &dyn AnswerStore, key: &str, answer: &str, time: Duration) {
    let answered = Answered { question: "question", answer };
    answers.answer(key, answered, time).await.unwrap();
}

async fn what_was_answered_is_answered_again(answers: &dyn AnswerStore) {
    assert_eq!(begin(answers, "key").await, Begun::First);
    assert_eq!(begin(answers, "key").await, Begun::Running);
    assert_eq!(begin(answers, "another").await, Begun::First, "it has its own");
    answer(answers, "key", "{}", LONG).await;
    for _ in 0..3 {
        assert_eq!(begin(answers, "key").await, Begun::Before("{}".into()));
    }
    assert_eq!(begin(answers, "another").await, Begun::Running);
}

async fn another_question_is_told_from_it(answers: &dyn AnswerStore) {
    let ask = async |question| answers.begin("key", question, LONG).await.unwrap();
    assert_eq!(ask("question").await, Begun::First);
    for other in ["", "questio", "question ", "another"] {
        assert_eq!(ask(other).await, Begun::Other, "{other:?}");
    }
    answer(answers, "key", "{}", LONG).await;
    assert_eq!(ask("another").await, Begun::Other);
    assert_eq!(ask("question").await, Begun::Before("{}".into()));
}

async fn what_is_given_up_begins_anew(answers: &dyn AnswerStore) {
    answers.give_up("unheard of").await.unwrap();
    assert_eq!(begin(answers, "key").await, Begun::First);
    answers.give_up("key").await.unwrap();
    let other = answers.begin("key", "another", LONG).await.unwrap();
    assert_eq!(other, Begun::First, "with any question");
}

async fn a_part_is_told_until_there_is_an_answer(answers: &dyn AnswerStore) {
    let put_aside = async |part| {
        let part = Answered { question: "question", answer: part };
        answers.put_aside("key", part, LONG).await.unwrap();
    };
    assert_eq!(begin(answers, "key").await, Begun::First);
    put_aside("1").await;
    let other = answers.begin("key", "another", LONG).await.unwrap();
    assert_eq!(other, Begun::Other, "the key is that of what was done in part");
    assert_eq!(begin(answers, "key").await, Begun::Partly("1".into()));
    assert_eq!(begin(answers, "key").await, Begun::Running);
    answers.give_up("key").await.unwrap();
    assert_eq!(begin(answers, "key").await, Begun::Partly("1".into()), "nothing was added");
    put_aside("1,=+-").await;
    let short = answers.begin("key", "question", SHORT).await.unwrap();
    assert_eq!(short, Begun::Partly("1,=+-".into()));
    put_aside("1").await;
    let short = answers.begin("key", "question", SHORT).await.unwrap();
    assert_eq!(short, Begun::Partly("1,=+-".into()), "a longer one stays");
    let asked = Instant::now();
    while begin(answers, "key").await == Begun::Running {
        assert!(asked.elapsed() < Duration::from_secs(10), "whoever died over it is waited for");
        tokio::time::sleep(SHORT / 10).await;
    }
    assert_eq!(begin(answers, "key").await, Begun::Running, "the part was taken on again");
    answer(answers, "key", "{}", LONG).await;
    put_aside("1,2,3,4").await;
    assert_eq!(begin(answers, "key").await, Begun::Before("{}".into()), "that came too late");
    answers.give_up("key").await.unwrap();
    assert_eq!(begin(answers, "key").await, Begun::First, "the part went with the answer");
    answers.put_aside("key", Answered { question: "question", answer: "2" }, SHORT).await.unwrap();
    tokio::time::sleep(2 * SHORT).await;
    assert_eq!(begin(answers, "key").await, Begun::First, "its time is over");
}

async fn answers_come_back_to_the_byte(answers: &dyn AnswerStore) {
    for (place, text) in ["", "\n", "-", "=\n=", "{\"a\":\"\u{1f514}\\u0000\"}"].iter().enumerate()
    {
        let key = format!("{place}: \u{7f}~!");
        assert_eq!(begin(answers, &key).await, Begun::First);
        answer(answers, &key, text, LONG).await;
        assert_eq!(begin(answers, &key).await, Begun::Before((*text).into()));
    }
}

async fn of_many_at_once_one_is_the_first(answers: Arc<dyn AnswerStore>) {
    let begun = at_once(8, |_| {
        let answers = answers.clone();
        async move { begin(&*answers, "key").await }
    })
    .await;
    let firsts = begun.iter().filter(|begun| **begun == Begun::First).count();
    assert_eq!(firsts, 1, "{begun:?}");
}

async fn nothing_is_remembered_for_longer_than_its_time(answers: &dyn AnswerStore) {
    answers.begin("begun", "question", SHORT).await.unwrap();
    begin(answers, "done").await;
    answer(answers, "done", "{}", SHORT).await;
    for key in ["begun", "done"] {
        let asked = Instant::now();
        while begin(answers, key).await != Begun::First {
            assert!(asked.elapsed() < Duration::from_secs(10), "{key} is remembered for ever");
            tokio::time::sleep(SHORT / 10).await;
        }
    }
}
