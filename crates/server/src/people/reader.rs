//! Language and time zone in which a person reads a page.

use http::HeaderMap;
use writ_core::authorize::UserSession;
use writ_pages::Texts;
use writ_pages::zones::Zone;
use writ_store::StoreError;
use writ_wire::time::Timestamp;

use crate::node::app::App;

impl App {
    /// The words and the clock of whoever looks at a page. The language is remembered for what they are sent.
    pub async fn texts_for(
        &self,
        headers: &HeaderMap,
        person: &UserSession,
    ) -> Result<Texts, StoreError> {
        let texts = self.languages.of_request(headers);
        if person.reads.language.as_deref() != Some(texts.locale()) {
            let mut transaction = self.begin().await?;
            transaction
                .set_language(&person.user.id, texts.locale(), self.mended_time())
                .await?;
            transaction.commit().await?;
        }
        Ok(texts.in_zone(self.zone_of(person)))
    }

    /// A moment in English, by this person's clock.
    pub fn moment_for(&self, person: &UserSession, at: Timestamp) -> String {
        self.moment_in(&self.texts, person, at)
    }

    /// The same in these words.
    pub fn moment_in(&self, texts: &Texts, person: &UserSession, at: Timestamp) -> String {
        texts.in_zone(self.zone_of(person)).moment(at)
    }

    /// The same as people say it now: "tomorrow 08:04".
    pub fn when_in(&self, texts: &Texts, person: &UserSession, at: Timestamp) -> String {
        let texts = texts.in_zone(self.zone_of(person));
        texts.when(at, self.clock.now())
    }

    /// UTC where the person has set none.
    fn zone_of(&self, person: &UserSession) -> Zone {
        self.zones.of(person.reads.time_zone.as_deref())
    }
}
