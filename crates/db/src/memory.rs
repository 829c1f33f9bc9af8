//! What a piece of work has been told already, so that it need not ask again.

use std::{
    any::{Any, TypeId},
    cell::RefCell,
    collections::HashMap,
    sync::Arc,
};

use crate::{Value, sql::Mentions};

/// An answer, and what its question has to do with.
type Answer = (Arc<Mentions>, Box<dyn Any>);

/// Answers, and what was looked up ahead. All parts of one transaction share it.
#[derive(Default)]
pub(crate) struct Memory {
    answers: RefCell<HashMap<String, Answer>>,
    ahead: RefCell<HashMap<TypeId, Box<dyn Any>>>,
}

impl Memory {
    pub fn key(text: &str, params: &[Value<'_>]) -> String {
        format!("{text}\n{params:?}")
    }

    pub fn answer<T: Clone + 'static>(&self, key: &str) -> Option<T> {
        self.answers.borrow().get(key).and_then(|(_, answer)| answer.downcast_ref::<T>()).cloned()
    }

    pub fn remember<T: 'static>(&self, key: String, mentions: Arc<Mentions>, answer: T) {
        self.answers.borrow_mut().insert(key, (mentions, Box::new(answer)));
    }

    /// A statement is about to be run: what it may change is asked anew.
    pub fn heed(&self, statement: &Mentions) {
        let mut answers = self.answers.borrow_mut();
        if let Some(table) = statement.written.as_ref().filter(|_| !answers.is_empty()) {
            answers.retain(|_, (mentions, _)| !mentions.concerns(table));
        }
    }

    /// Something was undone.
    pub fn forget_answers(&self) {
        self.answers.borrow_mut().clear();
    }

    pub fn put_ahead<T: 'static>(&self, value: T) {
        self.ahead.borrow_mut().insert(TypeId::of::<T>(), Box::new(value));
    }

    pub fn ahead<T: 'static, R>(&self, look: impl FnOnce(&mut T) -> R) -> Option<R> {
        self.ahead
            .borrow_mut()
            .get_mut(&TypeId::of::<T>())
            .and_then(|held| held.downcast_mut::<T>())
            .map(look)
    }
}
