//! A board as Grafana imports it, versions 10 to 12.

use serde_json::{Value, json};

use super::source::{Board, Datasource, Panel, PanelKind, PanelQuery, places};

const RUNBOOKS: &str = "https://github.com/campanile-chat/campanile/blob/main/docs/runbooks";

/// Of the model of dashboards that Grafana 10 writes, and later ones read.
const SCHEMA_VERSION: u32 = 39;

pub(super) fn dashboard(board: &Board) -> Value {
    let mut panels = Vec::new();
    let mut line = 0;
    for row in &board.rows {
        panels.push(json!({
            "id": panels.len() + 1, "type": "row", "title": row.title, "collapsed": false,
            "panels": [], "gridPos": {"h": 1, "w": 24, "x": 0, "y": line},
        }));
        line += 1;
        let mut end = line;
        for (panel, (x, y)) in row.panels.iter().zip(places(row)) {
            let place = json!({"h": panel.height, "w": panel.width, "x": x, "y": line + y});
            panels.push(self::panel(board, panel, panels.len() + 1, &place));
            end = end.max(line + y + panel.height);
        }
        line = end;
    }
    json!({
        "uid": format!("campanile-{}", board.stem),
        "title": format!("Campanile / {}", board.title),
        "description": format!(
            "{} Generated from dashboards/source/{}.toml.", board.description, board.stem
        ),
        "tags": ["campanile"],
        "schemaVersion": SCHEMA_VERSION,
        "editable": false,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": board.from, "to": "now"},
        "timezone": "browser",
        "annotations": {"list": [starts(board)]},
        "links": [{
            "type": "dashboards", "title": "Campanile", "tags": ["campanile"], "asDropdown": true,
            "includeVars": true, "keepTime": true, "targetBlank": false, "icon": "external link",
            "tooltip": "", "url": "",
        }],
        "templating": {"list": variables(board)},
        "panels": panels,
    })
}

/// A line wherever a server started with another version, or at all.
fn starts(board: &Board) -> Value {
    json!({
        "name": "Deploys and starts", "enable": true, "iconColor": "blue",
        "datasource": datasource(board, Datasource::Prometheus),
        // Of a new place too, which has no start before this one to differ from. For longer than a
        // step and the time until the first scrape, or some starts would fall between two steps.
        "expr": "(time() - process_start_time_seconds{job=~\"$job\", instance=~\"$instance\"} < 120) \
                 * on (job, instance) group_left (version) chat_build_info{job=~\"$job\"}",
        "titleFormat": "start", "textFormat": "{{instance}} {{version}}", "step": "60s",
    })
}

fn variables(board: &Board) -> Vec<Value> {
    let source = |of: Datasource, label: &str| {
        json!({
            "name": variable(board, of), "label": label, "type": "datasource", "query": of.kind(),
            "hide": 0, "current": {}, "includeAll": false, "multi": false, "options": [],
            "refresh": 1, "regex": "",
        })
    };
    let labels = |name: &str, label: &str, query: &str, all: Option<&str>| {
        json!({
            "name": name, "label": label, "type": "query", "hide": 0,
            "datasource": datasource(board, Datasource::Prometheus),
            "definition": query, "query": {"query": query, "refId": name},
            "includeAll": true, "multi": true, "allValue": all.unwrap_or(".+"),
            "current": {"selected": true, "text": ["All"], "value": ["$__all"]},
            "refresh": 2, "sort": 1, "options": [], "regex": "",
        })
    };
    let mut list = if asks_loki(board) {
        vec![
            source(Datasource::Prometheus, "Prometheus data source"),
            source(Datasource::Loki, "Loki data source"),
        ]
    } else {
        vec![source(Datasource::Prometheus, "Data source")]
    };
    list.push(labels("job", "Job", "label_values(chat_build_info, job)", None));
    let instances = "label_values(chat_build_info{job=~\"$job\"}, instance)";
    list.push(labels("instance", "Instance", instances, None));
    list
}

fn panel(board: &Board, panel: &Panel, id: usize, place: &Value) -> Value {
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ".chars();
    let mut targets: Vec<Value> = panel
        .queries
        .iter()
        .zip(letters)
        .map(|(query, letter)| target(board, panel, query, letter))
        .collect();
    // All queries have the same ones: they belong to the buckets.
    if panel.exemplars
        && let Some(first) = targets.first_mut()
    {
        first["exemplar"] = true.into();
    }
    let link = |alert: &String| {
        json!({
            "title": format!("Runbook: {alert}"), "url": format!("{RUNBOOKS}/{alert}.md"),
            "targetBlank": true,
        })
    };
    let links: Vec<Value> = panel.runbooks.iter().map(link).collect();
    json!({
        "id": id, "type": kind(panel.kind), "title": panel.title, "gridPos": place,
        "description": panel.full_description(), "datasource": datasource(board, panel.datasource),
        "targets": targets, "links": links, "options": options(panel.kind),
        "fieldConfig": {"defaults": defaults(panel), "overrides": []},
    })
}

fn kind(kind: PanelKind) -> &'static str {
    match kind {
        PanelKind::Graph => "timeseries",
        PanelKind::Stat => "stat",
        PanelKind::Bars => "bargauge",
        PanelKind::Table => "table",
        PanelKind::Heatmap => "heatmap",
        PanelKind::Logs => "logs",
    }
}

fn asks_loki(board: &Board) -> bool {
    board.panels().any(|panel| panel.datasource == Datasource::Loki)
}

/// The variable that stands for a data source: of two, each is called by its kind, as the linter
/// of Grafana wants it.
fn variable(board: &Board, of: Datasource) -> &'static str {
    match of {
        Datasource::Loki => "loki_datasource",
        Datasource::Prometheus if asks_loki(board) => "prometheus_datasource",
        Datasource::Prometheus => "datasource",
    }
}

fn datasource(board: &Board, of: Datasource) -> Value {
    json!({"type": of.kind(), "uid": format!("${{{}}}", variable(board, of))})
}

fn target(board: &Board, panel: &Panel, query: &PanelQuery, letter: char) -> Value {
    let instant = panel.kind.is_instant();
    let format = match panel.kind {
        PanelKind::Table => "table",
        PanelKind::Heatmap => "heatmap",
        _ => "time_series",
    };
    json!({
        "refId": letter.to_string(), "expr": query.expr, "legendFormat": query.legend,
        "datasource": datasource(board, panel.datasource), "editorMode": "code", "format": format,
        "instant": instant, "range": !instant,
    })
}

fn options(kind: PanelKind) -> Value {
    let last = json!({"calcs": ["lastNotNull"], "fields": "", "values": false});
    match kind {
        PanelKind::Graph => json!({
            "legend": {
                "displayMode": "table", "placement": "bottom", "showLegend": true,
                "calcs": ["lastNotNull", "max"],
            },
            "tooltip": {"mode": "multi", "sort": "desc"},
        }),
        PanelKind::Stat => json!({
            "reduceOptions": last, "colorMode": "value", "graphMode": "none",
            "justifyMode": "auto", "textMode": "auto", "orientation": "auto",
        }),
        PanelKind::Bars => json!({
            "reduceOptions": last, "displayMode": "basic", "orientation": "horizontal",
            "showUnfilled": true, "valueMode": "color",
        }),
        PanelKind::Table => json!({"showHeader": true, "cellHeight": "sm"}),
        PanelKind::Heatmap => json!({
            "calculate": false, "cellGap": 1, "legend": {"show": true}, "yAxis": {"unit": "s"},
            "color": {"mode": "scheme", "scheme": "Oranges", "steps": 64},
            "tooltip": {"mode": "single", "yHistogram": false},
        }),
        PanelKind::Logs => json!({
            "showTime": true, "wrapLogMessage": true, "enableLogDetails": true,
            "sortOrder": "Descending", "prettifyLogMessage": false, "dedupStrategy": "none",
        }),
    }
}

fn defaults(panel: &Panel) -> Value {
    let bad = [(panel.warn, "orange"), (panel.alarm, "red")];
    let bad = bad.into_iter().filter_map(|(value, colour)| Some((value?, colour)));
    let mut steps = Vec::new();
    if panel.low_is_bad {
        // From below: the worst first, and good from the mildest bound on.
        let mut bounds: Vec<(f64, &str)> = bad.collect();
        bounds.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut from = Value::Null;
        for (bound, colour) in bounds {
            steps.push(json!({"color": colour, "value": from}));
            from = bound.into();
        }
        steps.push(json!({"color": "green", "value": from}));
    } else {
        steps.push(json!({"color": "green", "value": null}));
        steps.extend(bad.map(|(value, colour)| json!({"color": colour, "value": value})));
    }
    let names = panel.values.iter().map(|(value, name)| (value.clone(), json!({"text": name})));
    let mappings = if panel.values.is_empty() {
        json!([])
    } else {
        json!([{"type": "value", "options": names.collect::<serde_json::Map<_, _>>()}])
    };
    let shows_thresholds = steps.len() > 1 && panel.kind == PanelKind::Graph;
    let mut defaults = json!({
        "unit": panel.unit, "mappings": mappings,
        "thresholds": {"mode": "absolute", "steps": steps},
        "color": {"mode": if panel.kind == PanelKind::Graph { "palette-classic" } else { "thresholds" }},
    });
    if panel.kind == PanelKind::Graph {
        defaults["custom"] = json!({
            "drawStyle": "line", "lineWidth": 1, "fillOpacity": if panel.stacked { 30 } else { 10 },
            "showPoints": "never", "spanNulls": false,
            "stacking": {"mode": if panel.stacked { "normal" } else { "none" }, "group": "A"},
            "thresholdsStyle": {"mode": if shows_thresholds { "line" } else { "off" }},
        });
        defaults["min"] = 0.into();
    }
    defaults
}
