//! Language and time zone in which a person reads a page.

use writ_core::authorize::UserSession;
use writ_pages::Texts;
use writ_pages::zones::Zone;
use writ_wire::time::Timestamp;

use crate::node::app::App;

impl App {
    /// These words by the clock of this person.
    pub fn texts_in_zone_of(&self, texts: &Texts, person: &UserSession) -> Texts {
        texts.in_zone(self.zone_of(person))
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
