//! The browser of `cargo xtask`, which here fails the test where it would tell a person.

use std::ops::Deref;
use xtask::browse;
pub use xtask::browse::Form;

pub struct Browser(browse::Browser);

pub struct Page(browse::Page);

impl Browser {
    pub fn new() -> Self {
        Self(browse::Browser::new(xtask::cloud::client().unwrap_or_else(|error| panic!("{error}"))))
    }

    pub async fn open(&mut self, url: &str) -> Page {
        Page(self.0.open(url).await.unwrap_or_else(|error| panic!("{error}")))
    }

    pub async fn submit(&mut self, page: &Page, form: Form) -> Page {
        Page(self.0.submit(&page.0, form).await.unwrap_or_else(|error| panic!("{error}")))
    }
}

impl Page {
    pub fn form(&self, path: &str) -> Form {
        self.0.form(path).unwrap_or_else(|error| panic!("{error}"))
    }
}

impl Deref for Browser {
    type Target = browse::Browser;
    fn deref(&self) -> &browse::Browser {
        &self.0
    }
}

impl Deref for Page {
    type Target = browse::Page;
    fn deref(&self) -> &browse::Page {
        &self.0
    }
}
