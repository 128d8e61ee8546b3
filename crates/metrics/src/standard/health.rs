//! Whether what the program depends on answers.

crate::labels! {
    /// A dependency that is probed, as configuration has it: `storage`, `cache`, `broker`,
    /// `queue`, `log_shipper`, `exporter`. One that is not probed has no series, since 0
    /// would mean that it failed.
    pub struct HealthProbe("probe", max 7);
}

crate::catalogue! {
    /// Whether what the program depends on answers.
    pub struct HealthMetrics {
        /// 1 when the last probe of a dependency succeeded.
        gauge success(HealthProbe) = "chat_health_probe_success";
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Registry;
    use crate::testing::Recording;

    #[test]
    fn only_what_is_probed_is_told() {
        let recording = Recording::with(Registry::builder().values::<HealthProbe>(["storage"]));
        let health = HealthMetrics::register(recording.registry());
        let told = |probe| {
            recording
                .probe()
                .value("chat_health_probe_success", &[("probe", probe)])
        };
        assert_eq!((told("storage"), told("cache")), (Some(0.0), None));
        health
            .success
            .set(true, recording.registry().label("storage"));
        assert_eq!(told("storage"), Some(1.0));
    }
}
