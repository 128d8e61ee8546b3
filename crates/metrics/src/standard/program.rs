//! Which program this is, and whether its configuration was understood.

crate::catalogue! {
    /// Which program this is.
    pub struct BuildMetrics {
        /// Build of the running binary.
        info build(version, revision, rustc, profile) = "chat_build_info";
    }
}

crate::catalogue! {
    /// Whether the configuration was understood.
    pub struct ConfigMetrics {
        /// 1 when the last configuration load succeeded.
        gauge last_reload_successful() = "chat_config_last_reload_successful";
        /// When the configuration was last loaded well.
        gauge last_reload_success() = "chat_config_last_reload_success_timestamp_seconds" [Seconds];
    }
}

impl ConfigMetrics {
    /// The configuration was loaded, at this time since the epoch.
    pub fn loaded(&self, since_epoch: std::time::Duration) {
        self.last_reload_successful.set(true);
        self.last_reload_success.set(since_epoch);
    }

    /// A new configuration was refused, and the former one stays.
    pub fn refused(&self) {
        self.last_reload_successful.set(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Recording;
    use std::time::Duration;

    #[test]
    fn the_build_is_told_once() {
        let recording = Recording::new();
        let build = BuildMetrics::register(recording.registry()).build;
        build.set(["1.2.3", "abc", "1.95.0", "release"]);
        build.set(["9", "9", "9", "9"]);
        let labels = [
            ("version", "1.2.3"),
            ("revision", "abc"),
            ("rustc", "1.95.0"),
            ("profile", "release"),
        ];
        assert_eq!(recording.probe().value("chat_build_info", &labels), Some(1.0));
        assert_eq!(recording.probe().sum("chat_build_info"), 1.0);
    }

    #[test]
    fn a_refused_configuration_keeps_the_time_of_the_last_good_one() {
        let recording = Recording::new();
        let config = ConfigMetrics::register(recording.registry());
        let value = |name| recording.probe().value(name, &[]);
        config.loaded(Duration::from_millis(1_700_000_000_500));
        assert_eq!(value("chat_config_last_reload_successful"), Some(1.0));
        config.refused();
        assert_eq!(value("chat_config_last_reload_successful"), Some(0.0));
        let time = value("chat_config_last_reload_success_timestamp_seconds");
        assert_eq!(time, Some(1_700_000_000.5));
    }
}
