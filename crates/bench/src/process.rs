//! CPU time and memory of a process, from `/proc` (proc(5)).

use crate::Outcome;
use crate::database::TemporaryDatabase;

/// `CONFIG_HZ` does not matter to these files: Linux always tells hundredths of a second here.
const MICROS_PER_TICK: f64 = 10_000.0;

/// CPU time so far, in microseconds.
pub struct Cpu {
    pub writ: f64,
    /// All processes of the database together; absent where it is no process here.
    pub postgres: Option<f64>,
}

impl Cpu {
    pub fn of(writ: u32, place: &TemporaryDatabase) -> Outcome<Self> {
        Ok(Self {
            writ: Stat::of(writ)?.used,
            postgres: place.postmaster().map(family).transpose()?,
        })
    }

    pub fn since(&self, before: &Self) -> Self {
        let difference = |now: f64| Some(now - before.postgres?);
        Self {
            writ: self.writ - before.writ,
            postgres: self.postgres.and_then(difference),
        }
    }
}

/// Resident memory.
pub fn resident_kib(id: u32) -> Outcome<u64> {
    let text = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_ascii_whitespace().next());
    Ok(number.ok_or("`VmRSS` is missing")?.parse()?)
}

/// Files and connections that a process may have open at once.
pub fn most_open_files(id: u32) -> Outcome<usize> {
    let text = std::fs::read_to_string(format!("/proc/{id}/limits"))?;
    let line = text.lines().find_map(|l| l.strip_prefix("Max open files"));
    let number = line.and_then(|line| line.split_ascii_whitespace().next());
    Ok(number.ok_or("`Max open files` is missing")?.parse()?)
}

/// A process, its children, and those that it has waited for.
fn family(parent: u32) -> Outcome<f64> {
    let above = Stat::of(parent)?;
    let mut used = above.used + above.waited_for;
    for entry in std::fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(id) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // One that has just ended is counted by its parent.
        if let Ok(stat) = Stat::of(id)
            && stat.parent == parent
        {
            used += stat.used;
        }
    }
    Ok(used)
}

struct Stat {
    parent: u32,
    used: f64,
    waited_for: f64,
}

impl Stat {
    fn of(id: u32) -> Outcome<Self> {
        let text = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
        // The name before it is in parentheses and may hold anything.
        let (_, after) = text.rsplit_once(") ").ok_or("`stat` has no name")?;
        let fields: Vec<&str> = after.split_ascii_whitespace().collect();
        let field = |place: usize| -> Outcome<f64> {
            Ok(fields.get(place).ok_or("`stat` is too short")?.parse()?)
        };
        Ok(Self {
            parent: fields.get(1).ok_or("`stat` is too short")?.parse()?,
            used: (field(11)? + field(12)?) * MICROS_PER_TICK,
            waited_for: (field(13)? + field(14)?) * MICROS_PER_TICK,
        })
    }
}

/// CPU time of this thread, in microseconds.
pub fn own_micros() -> Outcome<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanos = text.split_ascii_whitespace().next();
    Ok(nanos.ok_or("`schedstat` is empty")?.parse::<f64>()? / 1000.0)
}
