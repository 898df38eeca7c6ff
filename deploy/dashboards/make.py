#!/usr/bin/env python3
"""Makes the dashboards: deploy/dashboards/make.py writes the .json beside it, and with --check says
whether they are what it would write.

A panel is one line of kind, title, width, unit, description and queries; places and ids follow from
the order. What every query selects stands at the top, so that a label is spelt once."""

import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
TAG = "ecs-host-exporter"

CLUSTER = 'aws_ecs_cluster_name=~"$cluster"'
SERVICE = CLUSTER + ',aws_ecs_service_name=~"$service",aws_ecs_task_family=~"$family"'
TASK = SERVICE + ',aws_ecs_task_id=~"$task"'
CONTAINER = TASK + ',container_name=~"$container"'
HOST = 'instance=~"$instance"'
DISKS = 'fstype!~"tmpfs|ramfs|overlay|squashfs"'
CARDS = 'device!~"lo|veth.*|docker.*|br-.*|eni.*"'
IDLE, BUSY, STEAL, IOWAIT = (f"{HOST},mode{which}" for which in ('="idle"', '!="idle"', '="steal"', '="iowait"'))
BY = "aws_ecs_cluster_name, aws_ecs_service_name, aws_ecs_task_family"

# What the label_values of each variable ask, and of which variables they depend.
VARIABLES = {
    "cluster": ("Cluster", "label_values(ecs_task_own_cgroup, aws_ecs_cluster_name)"),
    "service": ("Service", "label_values(ecs_task_own_cgroup{" + CLUSTER + "}, aws_ecs_service_name)"),
    "family": ("Family", "label_values(ecs_task_own_cgroup{" + CLUSTER + ',aws_ecs_service_name=~"$service"}, aws_ecs_task_family)'),
    "task": ("Task", "label_values(ecs_task_own_cgroup{" + SERVICE + "}, aws_ecs_task_id)"),
    "container": ("Container", "label_values(ecs_container_memory_usage_bytes{" + TASK + "}, container_name)"),
    "instance": ("Instance", "label_values(node_uname_info, instance)"),
    # Of a cluster: not on plain hosts.
    "instance of the cluster": ("Instance", "label_values(ecs_container_instance_cpu_reserved_units{" + CLUSTER + "}, instance)"),
}

GREEN, YELLOW, RED = "green", "yellow", "red"
FILLING = [(None, GREEN), (0.8, YELLOW), (0.9, RED)]
HELD_BACK = [(None, GREEN), (0.1, YELLOW), (0.25, RED)]
NONE_IS_WELL = [(None, GREEN), (1, RED)]


def datasource():
    return {"type": "prometheus", "uid": "${datasource}"}


def variables(names, single):
    """The data source, and variables of which each narrows the next."""
    yield {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "refresh": 1,
           "hide": 0, "includeAll": False, "multi": False, "options": [], "regex": "", "current": {}}
    for name in names:
        label, query = VARIABLES[name]
        alone = name in single
        yield {"name": name.split()[0], "label": label, "type": "query", "datasource": datasource(), "definition": query,
               "query": {"query": query, "refId": name.split()[0]}, "refresh": 2, "sort": 1, "hide": 0, "regex": "", "options": [],
               "includeAll": not alone, "multi": not alone, "allValue": None if alone else ".*",
               "current": {} if alone else {"selected": True, "text": ["All"], "value": ["$__all"]}}


def target(number, query, instant=False):
    """A query, or a pair of query and legend."""
    expression, legend = query if isinstance(query, tuple) else (query, "")
    made = {"refId": chr(ord("A") + number), "datasource": datasource(), "expr": expression,
            "legendFormat": legend or "__auto", "editorMode": "code", "range": not instant, "instant": instant}
    return made | ({"format": "table"} if instant and legend == "table" else {})


def steps(thresholds):
    return {"mode": "absolute", "steps": [{"value": value, "color": colour} for value, colour in thresholds]}


class Dashboard:
    """A dashboard that is filled from left to right."""

    def __init__(self, uid, title, description, names, single=()):
        self.uid, self.title, self.description = uid, title, description
        self.names, self.single = names, single
        self.panels, self.x, self.y, self.tall = [], 0, 0, 0

    def _place(self, width, height):
        if self.x + width > 24:
            self.x, self.y, self.tall = 0, self.y + self.tall, 0
        place = {"x": self.x, "y": self.y, "w": width, "h": height}
        self.x, self.tall = self.x + width, max(self.tall, height)
        return place

    def _panel(self, kind, title, width, height, unit, description, queries, thresholds, options, custom=None, instant=False):
        self.panels.append({
            "id": len(self.panels) + 1, "type": kind, "title": title, "description": description,
            "gridPos": self._place(width, height), "datasource": datasource(),
            "targets": [target(number, query, instant) for number, query in enumerate(queries)],
            "fieldConfig": {"defaults": {"unit": unit, "thresholds": steps(thresholds), "color": {"mode": "thresholds" if kind != "timeseries" else "palette-classic"},
                                         "custom": custom or {}}, "overrides": []},
            "options": options})

    def row(self, title):
        self.x, self.y, self.tall = 0, self.y + self.tall, 0
        self.panels.append({"id": len(self.panels) + 1, "type": "row", "title": title, "collapsed": False, "panels": [],
                            "gridPos": {"x": 0, "y": self.y, "w": 24, "h": 1}})
        self.y += 1

    def stat(self, title, unit, description, query, thresholds=((None, GREEN),), width=4):
        self._panel("stat", title, width, 4, unit, description, [query], thresholds,
                    {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}, "colorMode": "value",
                     "graphMode": "area", "textMode": "auto", "justifyMode": "auto", "orientation": "auto"})

    def series(self, title, unit, description, *queries, width=12, stack=False, thresholds=((None, GREEN),), most=None):
        custom = {"drawStyle": "line", "lineWidth": 1, "fillOpacity": 25 if stack else 5, "showPoints": "never",
                  "spanNulls": False, "stacking": {"mode": "normal" if stack else "none", "group": "A"},
                  "thresholdsStyle": {"mode": "line" if len(thresholds) > 1 else "off"}}
        self._panel("timeseries", title, width, 8, unit, description, queries, thresholds,
                    {"legend": {"displayMode": "table", "placement": "bottom", "showLegend": True, "calcs": ["mean", "max", "lastNotNull"]},
                     "tooltip": {"mode": "multi", "sort": "desc"}}, custom)
        defaults = self.panels[-1]["fieldConfig"]["defaults"]
        if unit not in ("short", "s") or most is not None:
            defaults["min"] = 0
        if most is not None:
            defaults["max"] = most

    def bars(self, title, unit, description, query, thresholds=((None, GREEN),), width=12):
        self._panel("bargauge", title, width, 8, unit, description, [query], thresholds,
                    {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}, "displayMode": "gradient",
                     "orientation": "horizontal", "showUnfilled": True, "valueMode": "color"}, instant=True)

    def table(self, title, description, columns, width=24, hidden=(), height=9):
        """`columns`: title, unit, query and thresholds of each; they are joined by their labels."""
        self._panel("table", title, width, height, "short", description, [(query, "table") for _, _, query, _ in columns],
                    [(None, GREEN)], {"showHeader": True, "cellHeight": "sm", "footer": {"show": False}}, {"align": "auto", "filterable": True}, instant=True)
        value = (lambda number: f"Value #{chr(ord('A') + number)}") if len(columns) > 1 else lambda _: "Value"
        for number, (column, unit, _, thresholds) in enumerate(columns):
            properties = [{"id": "unit", "value": unit}, {"id": "displayName", "value": column}]
            if thresholds:
                properties += [{"id": "thresholds", "value": steps(thresholds)},
                               {"id": "custom.cellOptions", "value": {"type": "color-text"}}]
            self.panels[-1]["fieldConfig"]["overrides"].append({"matcher": {"id": "byName", "options": value(number)}, "properties": properties})
        names = {"aws_ecs_cluster_name": "Cluster", "aws_ecs_service_name": "Service", "aws_ecs_task_family": "Family",
                 "aws_ecs_task_revision": "Revision", "aws_ecs_task_id": "Task", "container_name": "Container", "instance": "Instance"}
        self.panels[-1]["transformations"] = [
            {"id": "merge", "options": {}},
            {"id": "organize", "options": {"excludeByName": {name: True for name in ("Time", "__name__", "job", *hidden)},
                                           "indexByName": {}, "renameByName": names}}]

    def json(self):
        made = {
            "uid": self.uid, "title": self.title, "description": self.description, "tags": [TAG], "schemaVersion": 39, "version": 1,
            "editable": True, "graphTooltip": 1, "refresh": "30s", "time": {"from": "now-3h", "to": "now"}, "timezone": "browser",
            "annotations": {"list": []}, "templating": {"list": list(variables(self.names, self.single))}, "panels": self.panels,
            "links": [{"type": "dashboards", "title": "ECS", "tags": [TAG], "asDropdown": True, "includeVars": True, "keepTime": True,
                       "icon": "external link", "targetBlank": False, "tooltip": "", "url": ""}]}
        return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


def rate(metric, selector):
    return f"rate({metric}{{{selector}}}[$__rate_interval])"


def top(query, most=10):
    return f"topk({most}, {query})"


def fleet():
    d = Dashboard("ecs-fleet", "ECS / Fleet", "All clusters: what they have, what is reserved, what is used, and where to look. Its sums are those of deploy/rules/recording.yaml.", ["cluster"])
    d.stat("Instances", "short", "Container instances that are scraped.", f"sum(cluster:ecs_instances:count{{{CLUSTER}}})")
    d.stat("Tasks", "short", "Tasks that run.", f"sum(cluster:ecs_tasks:count{{{CLUSTER}}})")
    d.stat("Exporters down", "short", "Targets of the job ecs-host-exporter that do not answer.", 'count(up{job="ecs-host-exporter"} == 0) or vector(0)', NONE_IS_WELL)
    d.stat("Agents or Docker silent", "short", "Sources of names that do not answer and did before.", "count(ecs_host_exporter_inventory_up == 0 and ecs_host_exporter_inventory_age_seconds > 120) or vector(0)", NONE_IS_WELL)
    d.stat("Tasks not as ECS wants them", "short", "For more than five minutes pending, or to be stopped.", f"count(ecs_task_status_mismatch_seconds{{{CLUSTER}}} > 300) or vector(0)", NONE_IS_WELL)
    d.stat("OOM kills", "short", "Processes killed for want of memory in the last hour, those of containers that ended included.", f"sum(increase(ecs_container_oom_kills_total{{{CLUSTER}}}[1h])) or vector(0)", NONE_IS_WELL)
    d.row("Capacity")
    d.series("CPU", "none", "Cores that instances have, that tasks reserve, and that they use.",
             (f"sum(cluster:ecs_cpu_registered_cores:sum{{{CLUSTER}}})", "registered"), (f"sum(cluster:ecs_cpu_reserved_cores:sum{{{CLUSTER}}})", "reserved"),
             (f"sum(cluster:ecs_cpu_usage_cores:rate5m{{{CLUSTER}}})", "used"))
    d.series("Memory", "bytes", "Bytes that instances have, that tasks reserve, and that they use.",
             (f"sum(cluster:ecs_memory_registered_bytes:sum{{{CLUSTER}}})", "registered"), (f"sum(cluster:ecs_memory_reserved_bytes:sum{{{CLUSTER}}})", "reserved"),
             (f"sum(cluster:ecs_memory_working_set_bytes:sum{{{CLUSTER}}})", "used"))
    d.row("Instances")
    d.bars("Busiest CPUs", "percentunit", "Share of the time in which CPUs were not idle.", (top("instance:node_cpu_usage:ratio_rate5m"), "{{instance}}"), FILLING, 8)
    d.bars("Fullest memories", "percentunit", "Share of memory that is not available to new programs.", (top("instance:node_memory_usage:ratio"), "{{instance}}"), FILLING, 8)
    d.bars("Fullest disks", "percentunit", "The fullest file system of each instance.", (top("instance:node_filesystem_usage:max_ratio"), "{{instance}}"), FILLING, 8)
    d.series("Waiting for CPU", "percentunit", "Share of the time in which somebody on the instance waited for a CPU (PSI).", (top(rate("node_pressure_cpu_waiting_seconds_total", "")), "{{instance}}"), width=8)
    d.series("Waiting for memory", "percentunit", "Share of the time in which somebody waited for memory. Anything that lasts is too much.", (top(rate("node_pressure_memory_waiting_seconds_total", "")), "{{instance}}"), width=8)
    d.series("Waiting for disks", "percentunit", "Share of the time in which somebody waited for a disk.", (top(rate("node_pressure_io_waiting_seconds_total", "")), "{{instance}}"), width=8)
    d.row("Services")
    d.table("Services", "Each family of each service over all instances; a click on a heading sorts.", [
        ("Tasks", "short", f"service:ecs_tasks:count{{{CLUSTER}}}", None), ("CPU used", "none", f"service:ecs_cpu_usage_cores:rate5m{{{CLUSTER}}}", None),
        ("CPU reserved", "none", f"service:ecs_cpu_reserved_cores:sum{{{CLUSTER}}}", None), ("Held back", "percentunit", f"service:ecs_cpu_throttled_periods:ratio_rate5m{{{CLUSTER}}}", HELD_BACK),
        ("Memory used", "bytes", f"service:ecs_memory_working_set_bytes:sum{{{CLUSTER}}}", None), ("Memory reserved", "bytes", f"service:ecs_memory_reserved_bytes:sum{{{CLUSTER}}}", None),
        ("Fullest container", "percentunit", f"service:ecs_memory_limit_usage:max_ratio{{{CLUSTER}}}", FILLING)])
    d.series("Starts", "short", "Starts of containers in 30 minutes.", (top(f"sum by ({BY}) (service:ecs_container_starts:increase30m{{{CLUSTER}}})"), "{{aws_ecs_service_name}} {{aws_ecs_task_family}}"))
    d.series("Failures", "short", "Ends of containers with an exit code other than 0 and 143 in 30 minutes.", (top(f"sum by ({BY}) (service:ecs_container_failed_exits:increase30m{{{CLUSTER}}}) or vector(0)"), "{{aws_ecs_service_name}} {{aws_ecs_task_family}}"))
    return d


def instance():
    d = Dashboard("ecs-instance", "ECS / Instance", "One host: its CPUs, memory, disks and networks, and the tasks that share them.", ["instance"], {"instance"})
    d.stat("CPU", "percentunit", "Share of the time in which CPUs were not idle.", f'1 - avg({rate("node_cpu_seconds_total", IDLE)})', FILLING)
    d.stat("Memory", "percentunit", "Share of memory that is not available to new programs.", f"1 - node_memory_MemAvailable_bytes{{{HOST}}} / node_memory_MemTotal_bytes{{{HOST}}}", FILLING)
    d.stat("Fullest disk", "percentunit", "The fullest file system.", f"max(1 - node_filesystem_avail_bytes{{{HOST},{DISKS}}} / (node_filesystem_size_bytes{{{HOST},{DISKS}}} > 0))", FILLING)
    d.stat("Load per CPU", "none", "Tasks of the kernel that ran, could run or waited for a disk, averaged over five minutes.", f"node_load5{{{HOST}}} / on (instance) machine_cpu_cores{{{HOST}}}", [(None, GREEN), (1.5, YELLOW), (3, RED)])
    d.stat("Tasks", "short", "Tasks of ECS that run here.", f"count(ecs_task_own_cgroup{{{HOST}}}) or vector(0)")
    d.stat("Up for", "s", "Since the host started.", f"time() - node_boot_time_seconds{{{HOST}}}")
    d.row("CPU and memory")
    d.series("CPU", "percentunit", "Where the time of all CPUs goes. Steal is what the hypervisor gave to others.", (f'avg by (mode) ({rate("node_cpu_seconds_total", BUSY)})', "{{mode}}"), stack=True, most=1)
    d.series("Memory", "bytes", "Total, available to new programs, and what tasks have in use.", (f"node_memory_MemTotal_bytes{{{HOST}}}", "total"), (f"node_memory_MemAvailable_bytes{{{HOST}}}", "available"),
             (f"sum(ecs_task_memory_working_set_bytes{{{HOST}}})", "used by tasks"))
    d.series("Pressure", "percentunit", "Share of the time in which somebody waited, and for memory and disks in which everybody did.",
             *[(rate(f"node_pressure_{what}_seconds_total", HOST), what.replace("_", " ")) for what in ("cpu_waiting", "memory_waiting", "memory_stalled", "io_waiting", "io_stalled")])
    d.series("Given to tasks", "percentunit", "Share of what the instance registered that its tasks reserve. At 1 nothing more is placed.",
             (f"ecs_container_instance_cpu_reserved_units{{{HOST}}} / ecs_container_instance_cpu_registered_units{{{HOST}}}", "CPU"),
             (f"ecs_container_instance_memory_reserved_bytes{{{HOST}}} / ecs_container_instance_memory_registered_bytes{{{HOST}}}", "memory"), thresholds=[(None, GREEN), (1, RED)])
    d.row("Disks")
    d.series("Space", "percentunit", "Used share of each file system.", (f"1 - node_filesystem_avail_bytes{{{HOST},{DISKS}}} / (node_filesystem_size_bytes{{{HOST},{DISKS}}} > 0)", "{{mountpoint}}"), most=1, thresholds=FILLING)
    d.series("Throughput", "Bps", "Bytes read and written.", (rate("node_disk_read_bytes_total", HOST), "{{device}} read"), (rate("node_disk_written_bytes_total", HOST), "{{device}} written"))
    d.series("Operations", "iops", "Reads and writes completed: what the IOPS of an EBS volume and of the instance limit.", (rate("node_disk_reads_completed_total", HOST), "{{device}} reads"), (rate("node_disk_writes_completed_total", HOST), "{{device}} writes"))
    d.series("Time of an operation", "s", "Average; gp3 and io2 take milliseconds, more is a queue.",
             (f'({rate("node_disk_read_time_seconds_total", HOST)} + {rate("node_disk_write_time_seconds_total", HOST)}) / clamp_min({rate("node_disk_reads_completed_total", HOST)} + {rate("node_disk_writes_completed_total", HOST)}, 0.001)', "{{device}}"))
    d.row("Network")
    d.series("Traffic", "Bps", "Bytes received and sent by the host's own interfaces.", (rate("node_network_receive_bytes_total", f"{HOST},{CARDS}"), "{{device}} received"), (rate("node_network_transmit_bytes_total", f"{HOST},{CARDS}"), "{{device}} sent"))
    d.series("Errors and drops", "pps", "Packets with errors or dropped, both directions.",
             (" + ".join(rate(f"node_network_{what}_total", f"{HOST},{CARDS}") for what in ("receive_errs", "transmit_errs", "receive_drop", "transmit_drop")), "{{device}}"))
    d.series("Allowances exceeded", "pps", "Packets that the network card of the instance type queued or dropped, by which allowance was used up. 0 without --collector.ethtool or without ENA.",
             *[(f'sum({rate(f"node_ethtool_{name}_allowance_exceeded", HOST)}) or vector(0)', name) for name in ("bw_in", "bw_out", "pps", "conntrack", "linklocal")])
    d.series("TCP", "pps", "Segments sent again, as a sign of a bad way, and resets.", (rate("node_netstat_Tcp_RetransSegs", HOST), "sent again"), (rate("node_netstat_Tcp_OutRsts", HOST), "resets sent"))
    d.row("Tasks")
    d.series("CPU by task", "none", "Cores; the ten that use most.", (top(rate("ecs_task_cpu_usage_seconds_total", HOST)), "{{aws_ecs_task_family}} {{aws_ecs_task_id}}"), stack=True)
    d.series("Memory by task", "bytes", "Working sets; the ten largest.", (top(f"ecs_task_memory_working_set_bytes{{{HOST}}}"), "{{aws_ecs_task_family}} {{aws_ecs_task_id}}"), stack=True)
    d.row("The exporter")
    d.series("Scrapes", "s", "Time of a scrape as Prometheus sees it, and CPU time of the exporter in a second.", (f"scrape_duration_seconds{{{HOST}}}", "scrape {{job}}"), (rate("process_cpu_seconds_total", HOST), "CPU {{job}}"), width=8)
    d.series("Age of names", "s", "Seconds since Docker and the ECS agent last answered.", (f"ecs_host_exporter_inventory_age_seconds{{{HOST}}}", "{{source}}"), width=8)
    d.table("Costliest collectors", "Seconds that each took, and whether it succeeded; 0 also where the host lacks what it measures.", [
        ("Seconds", "s", top(f"node_scrape_collector_duration_seconds{{{HOST}}}", 20), None),
        ("Success", "short", f"node_scrape_collector_success{{{HOST}}} and {top(f'node_scrape_collector_duration_seconds{{{HOST}}}', 20)}", [(None, RED), (1, GREEN)])], 8, ["instance"], 8)
    return d


def service():
    d = Dashboard("ecs-service", "ECS / Service", "A service or family over all its tasks and instances.", ["cluster", "service", "family"])
    d.stat("Tasks", "short", "Tasks that run.", f"count(ecs_task_own_cgroup{{{SERVICE}}})")
    d.stat("Instances", "short", "Instances that they run on.", f"count(count by (instance) (ecs_task_own_cgroup{{{SERVICE}}}))")
    d.stat("CPU of what is reserved", "percentunit", "Above 1 it lives from what others leave.", f'sum({rate("ecs_task_cpu_usage_seconds_total", SERVICE)}) / sum(ecs_task_cpu_reserved_units{{{SERVICE}}} / 1024)', [(None, GREEN), (1, YELLOW), (2, RED)])
    d.stat("Fullest container", "percentunit", "Working set of its limit. At 1 the kernel kills.", f"max(ecs_container_memory_working_set_bytes{{{SERVICE}}} / (ecs_container_memory_limit_bytes{{{SERVICE}}} > 0))", FILLING)
    d.stat("Held back", "percentunit", "Share of the periods in which a CPU limit held a task back.", f'(sum({rate("ecs_task_cpu_cfs_throttled_periods_total", SERVICE)}) / (sum({rate("ecs_task_cpu_cfs_periods_total", SERVICE)}) > 0)) or vector(0)', HELD_BACK)
    d.stat("OOM kills", "short", "In the last hour, those of containers that ended included.", f"sum(increase(ecs_container_oom_kills_total{{{SERVICE}}}[1h])) or vector(0)", NONE_IS_WELL)
    d.row("CPU")
    d.series("CPU", "none", "Cores used and reserved.", (f'sum by (aws_ecs_task_family) ({rate("ecs_task_cpu_usage_seconds_total", SERVICE)})', "{{aws_ecs_task_family}} used"), (f"sum by (aws_ecs_task_family) (ecs_task_cpu_reserved_units{{{SERVICE}}}) / 1024", "{{aws_ecs_task_family}} reserved"))
    d.series("Held back by the CPU limit", "percentunit", "Share of the periods, for each family with a limit. Above a quarter, requests wait.",
             (f'(sum by (aws_ecs_task_family) ({rate("ecs_task_cpu_cfs_throttled_periods_total", SERVICE)}) / (sum by (aws_ecs_task_family) ({rate("ecs_task_cpu_cfs_periods_total", SERVICE)}) > 0)) or vector(0)', "{{aws_ecs_task_family}}"), most=1, thresholds=HELD_BACK)
    d.row("Memory")
    d.series("Memory", "bytes", "Working sets and reservations of all tasks.", (f"sum by (aws_ecs_task_family) (ecs_task_memory_working_set_bytes{{{SERVICE}}})", "{{aws_ecs_task_family}} used"), (f"sum by (aws_ecs_task_family) (ecs_task_memory_reserved_bytes{{{SERVICE}}})", "{{aws_ecs_task_family}} reserved"))
    d.series("Containers against their limits", "percentunit", "The fullest of each name.", (f"max by (aws_ecs_task_family, container_name) (ecs_container_memory_working_set_bytes{{{SERVICE}}} / (ecs_container_memory_limit_bytes{{{SERVICE}}} > 0))", "{{aws_ecs_task_family}} {{container_name}}"), most=1, thresholds=FILLING)
    d.row("Lives")
    d.series("Starts and stops of tasks", "short", "In the last half hour.", (f"sum by (aws_ecs_task_family) (increase(ecs_task_starts_total{{{SERVICE}}}[30m])) or vector(0)", "{{aws_ecs_task_family}} started"), (f"sum by (aws_ecs_task_family) (increase(ecs_task_stops_total{{{SERVICE}}}[30m])) or vector(0)", "{{aws_ecs_task_family}} stopped"))
    d.series("Ends by exit code", "short", "In the last half hour. 0 is a clean end, 143 one by SIGTERM, 137 one by SIGKILL or for want of memory.", (f"sum by (container_name, exit_code) (increase(ecs_container_exits_total{{{SERVICE}}}[30m])) or vector(0)", "{{container_name}} {{exit_code}}"))
    d.row("Traffic")
    d.series("Network", "Bps", "Bytes received and sent; nothing for tasks in the host's network.", (f'sum({rate("ecs_task_network_receive_bytes_total", SERVICE)}) or vector(0)', "received"), (f'sum({rate("ecs_task_network_transmit_bytes_total", SERVICE)}) or vector(0)', "sent"))
    d.series("Disks", "Bps", "Bytes read from and written to block devices; what the page cache answers is not in it.", (f'sum({rate("ecs_task_io_read_bytes_total", SERVICE)}) or vector(0)', "read"), (f'sum({rate("ecs_task_io_written_bytes_total", SERVICE)}) or vector(0)', "written"))
    d.row("Tasks")
    d.table("Tasks", "Each task of the selection.", [
        ("CPU used", "none", f'sum by (aws_ecs_task_family, aws_ecs_task_revision, aws_ecs_task_id, instance) ({rate("ecs_task_cpu_usage_seconds_total", SERVICE)})', None),
        ("CPU reserved", "none", f"sum by (aws_ecs_task_family, aws_ecs_task_revision, aws_ecs_task_id, instance) (ecs_task_cpu_reserved_units{{{SERVICE}}}) / 1024", None),
        ("Memory used", "bytes", f"sum by (aws_ecs_task_family, aws_ecs_task_revision, aws_ecs_task_id, instance) (ecs_task_memory_working_set_bytes{{{SERVICE}}})", None),
        ("Memory reserved", "bytes", f"sum by (aws_ecs_task_family, aws_ecs_task_revision, aws_ecs_task_id, instance) (ecs_task_memory_reserved_bytes{{{SERVICE}}})", None),
        ("Threads", "short", f"sum by (aws_ecs_task_family, aws_ecs_task_revision, aws_ecs_task_id, instance) (ecs_task_pids{{{SERVICE}}})", None)])
    return d


def task():
    d = Dashboard("ecs-task", "ECS / Task", "A task and its containers.", ["cluster", "service", "family", "task", "container"])
    legend = "{{container_name}} {{aws_ecs_task_id}}"
    d.stat("CPU", "none", "Cores used.", f'sum({rate("ecs_task_cpu_usage_seconds_total", TASK)})')
    d.stat("Held back", "percentunit", "Share of the periods in which the CPU limit held it back; 0 without a limit.", f'(sum({rate("ecs_task_cpu_cfs_throttled_periods_total", TASK)}) / (sum({rate("ecs_task_cpu_cfs_periods_total", TASK)}) > 0)) or vector(0)', HELD_BACK)
    d.stat("Memory", "bytes", "Working set.", f"sum(ecs_task_memory_working_set_bytes{{{TASK}}})")
    d.stat("Threads", "short", "Threads, each of which takes a process id.", f"sum(ecs_task_pids{{{TASK}}})")
    d.stat("OOM kills", "short", "Processes that the kernel killed for want of memory.", f"sum(ecs_task_oom_kills_total{{{TASK}}})", NONE_IS_WELL)
    d.stat("Containers", "short", "Containers of the task definition that run.", f"count(ecs_container_cpu_reserved_units{{{CONTAINER}}})")
    d.table("Who it is", "Of each task: where it runs and how it is reached.", [("Is", "short", f"ecs_task_info{{{TASK}}}", None)], hidden=["Value", "aws_ecs_task_arn", "cloud_account_id"], height=5)
    d.row("CPU")
    d.series("CPU", "none", "Cores of each container.", (rate("ecs_container_cpu_usage_seconds_total", CONTAINER), legend), stack=True)
    d.series("Limits", "none", "Cores of the task: used, reserved, and held back (seconds of waiting in a second).", (rate("ecs_task_cpu_usage_seconds_total", TASK), "used {{aws_ecs_task_id}}"), (f"ecs_task_cpu_reserved_units{{{TASK}}} / 1024", "reserved {{aws_ecs_task_id}}"),
             (f'sum({rate("ecs_task_cpu_cfs_throttled_seconds_total", TASK)}) or vector(0)', "held back"))
    d.row("Memory")
    d.series("Memory", "bytes", "Working set of each container.", (f"ecs_container_memory_working_set_bytes{{{CONTAINER}}}", legend), stack=True)
    d.series("Against the limit", "percentunit", "Working set of each container of what it may use, the limit of the task counted in.", (f"ecs_container_memory_working_set_bytes{{{CONTAINER}}} / (ecs_container_memory_limit_bytes{{{CONTAINER}}} > 0)", legend), most=1, thresholds=FILLING)
    d.series("What it is", "bytes", "Anonymous memory, page cache, and the most that there ever was.", *[(f"sum(ecs_task_memory_{what}_bytes{{{TASK}}})", what) for what in ("rss", "cache", "peak")])
    d.series("OOM kills", "short", "By whose limit was reached: the container's, the task's or the host's.", (f"sum by (level) (ecs_task_oom_kills_total{{{TASK}}})", "{{level}}"))
    d.row("Network and disks")
    d.series("Network", "Bps", "Of each network of the task once; nothing in the host's network.", (f'sum({rate("ecs_task_network_receive_bytes_total", TASK)}) or vector(0)', "received"), (f'sum({rate("ecs_task_network_transmit_bytes_total", TASK)}) or vector(0)', "sent"))
    d.series("Lost packets", "pps", "Dropped packets and segments of TCP sent again.",
             *[(f'sum({rate(f"ecs_task_network_{name}_total", TASK)}) or vector(0)', words) for name, words in (("receive_packets_dropped", "dropped, received"), ("transmit_packets_dropped", "dropped, sent"), ("tcp_retransmits", "sent again"))])
    d.series("Disks", "Bps", "Bytes read from and written to block devices.", (f'sum({rate("ecs_task_io_read_bytes_total", TASK)}) or vector(0)', "read"), (f'sum({rate("ecs_task_io_written_bytes_total", TASK)}) or vector(0)', "written"))
    d.series("Waiting", "percentunit", "Share of the time in which something of the task waited (PSI; 0 where the kernel has none for groups).", *[(f'sum({rate(f"ecs_task_pressure_{what}_waiting_seconds_total", TASK)}) or vector(0)', what) for what in ("cpu", "memory", "io")])
    return d


def neighbour():
    d = Dashboard("ecs-noisy-neighbour", "ECS / Noisy neighbour", "Who on one instance takes what others wait for. Left who takes, right who waits: a rise on both sides at one time is the neighbour.", ["cluster", "instance of the cluster"], {"instance of the cluster"})
    legend = "{{aws_ecs_task_family}} {{aws_ecs_task_id}}"
    d.row("CPU")
    d.series("Above its reservation", "none", "Cores that a task uses beyond what it reserved: it lives from what others leave.", (top(f'{rate("ecs_task_cpu_usage_seconds_total", HOST)} - ecs_task_cpu_reserved_units{{{HOST}}} / 1024'), legend))
    d.series("Who waits for a CPU", "percentunit", "Share of the time in which something of the task waited (PSI), and of the host.", (f'{top(rate("ecs_task_pressure_cpu_waiting_seconds_total", HOST))} or vector(0)', legend), (rate("node_pressure_cpu_waiting_seconds_total", HOST), "the host"))
    d.row("Memory")
    d.series("Above its reservation", "bytes", "Working set beyond what was reserved: what the scheduler did not count.", (top(f"ecs_task_memory_working_set_bytes{{{HOST}}} - ecs_task_memory_reserved_bytes{{{HOST}}}"), legend))
    d.series("Who waits for memory", "percentunit", "Share of the time in which something of the task waited for memory, and of the host.", (f'{top(rate("ecs_task_pressure_memory_waiting_seconds_total", HOST))} or vector(0)', legend), (rate("node_pressure_memory_waiting_seconds_total", HOST), "the host"))
    d.row("Disks")
    d.series("Who reads and writes", "Bps", "Bytes of block devices.", (f'{top(rate("ecs_task_io_read_bytes_total", HOST) + " + " + rate("ecs_task_io_written_bytes_total", HOST))} or vector(0)', legend))
    d.series("Who waits for a disk", "percentunit", "Share of the time in which something of the task waited for a disk, and of the host.", (f'{top(rate("ecs_task_pressure_io_waiting_seconds_total", HOST))} or vector(0)', legend), (rate("node_pressure_io_waiting_seconds_total", HOST), "the host"))
    d.row("Network and threads")
    d.series("Who sends and receives", "Bps", "Bytes of each task's own networks.", (top(rate("ecs_task_network_receive_bytes_total", HOST) + " + " + rate("ecs_task_network_transmit_bytes_total", HOST)), legend))
    d.series("Who loses packets", "pps", "Segments of TCP sent again, and packets beyond the allowances of the instance type.", (top(rate("ecs_task_network_tcp_retransmits_total", HOST)), legend),
             (f'sum({rate("node_ethtool_pps_allowance_exceeded", HOST)} + {rate("node_ethtool_bw_in_allowance_exceeded", HOST)} + {rate("node_ethtool_bw_out_allowance_exceeded", HOST)}) or vector(0)', "allowances"))
    d.series("Threads", "short", "The ten tasks with most threads.", (top(f"ecs_task_pids{{{HOST}}}"), legend))
    d.series("The instance", "percentunit", "Steal is CPU time that the hypervisor gave to others: the neighbour is another instance.", (f'avg({rate("node_cpu_seconds_total", STEAL)})', "steal"), (f'avg({rate("node_cpu_seconds_total", IOWAIT)})', "idle, waiting for disks"))
    return d


def sizing():
    d = Dashboard("ecs-right-sizing", "ECS / Right-sizing", "What is reserved against what is used, over the time that is shown: look at a week. Its sums are those of deploy/rules/recording.yaml.", ["cluster", "service", "family"])
    per_task = f"/ service:ecs_tasks:count{{{SERVICE}}}"
    d.stat("CPU reserved and not used", "none", "Cores, averaged over the time shown.", f"sum(avg_over_time(service:ecs_cpu_reserved_cores:sum{{{SERVICE}}}[$__range])) - sum(avg_over_time(service:ecs_cpu_usage_cores:rate5m{{{SERVICE}}}[$__range]))", width=6)
    d.stat("Memory reserved and not used", "bytes", "Bytes, averaged over the time shown.", f"sum(avg_over_time(service:ecs_memory_reserved_bytes:sum{{{SERVICE}}}[$__range])) - sum(avg_over_time(service:ecs_memory_working_set_bytes:sum{{{SERVICE}}}[$__range]))", width=6)
    d.stat("CPU used of what is reserved", "percentunit", "Averaged over the time shown.", f"sum(avg_over_time(service:ecs_cpu_usage_cores:rate5m{{{SERVICE}}}[$__range])) / sum(avg_over_time(service:ecs_cpu_reserved_cores:sum{{{SERVICE}}}[$__range]))", width=6)
    d.stat("Memory used of what is reserved", "percentunit", "Averaged over the time shown.", f"sum(avg_over_time(service:ecs_memory_working_set_bytes:sum{{{SERVICE}}}[$__range])) / sum(avg_over_time(service:ecs_memory_reserved_bytes:sum{{{SERVICE}}}[$__range]))", width=6)
    d.table("CPU of a task", "Cores: reserve the 95th percentile. Where a limit holds back, what is used says less than what is wanted.", [
        ("Tasks", "short", f"service:ecs_tasks:count{{{SERVICE}}}", None),
        ("Reserved", "none", f"service:ecs_cpu_reserved_cores:sum{{{SERVICE}}} {per_task}", None),
        ("Average", "none", f"avg_over_time(service:ecs_cpu_usage_cores:rate5m{{{SERVICE}}}[$__range]) {per_task}", None),
        ("95th percentile", "none", f"quantile_over_time(0.95, service:ecs_cpu_usage_cores:rate5m{{{SERVICE}}}[$__range]) {per_task}", None),
        ("Of what is reserved", "percentunit", f"quantile_over_time(0.95, service:ecs_cpu_usage_cores:rate5m{{{SERVICE}}}[$__range]) / (service:ecs_cpu_reserved_cores:sum{{{SERVICE}}} > 0)", [(None, YELLOW), (0.3, GREEN), (1, RED)]),
        ("Held back", "percentunit", f"max_over_time(service:ecs_cpu_throttled_periods:ratio_rate5m{{{SERVICE}}}[$__range]) or 0 * service:ecs_tasks:count{{{SERVICE}}}", HELD_BACK)])
    d.table("Memory of a task", "Bytes: reserve the largest task's working set and a margin. The fullest container says how near a limit came.", [
        ("Tasks", "short", f"service:ecs_tasks:count{{{SERVICE}}}", None),
        ("Reserved", "bytes", f"service:ecs_memory_reserved_bytes:sum{{{SERVICE}}} {per_task}", None),
        ("Average", "bytes", f"avg_over_time(service:ecs_memory_working_set_bytes:sum{{{SERVICE}}}[$__range]) {per_task}", None),
        ("Largest task", "bytes", f"max_over_time(service:ecs_memory_working_set_bytes:max{{{SERVICE}}}[$__range])", None),
        ("Of what is reserved", "percentunit", f"max_over_time(service:ecs_memory_working_set_bytes:max{{{SERVICE}}}[$__range]) / (service:ecs_memory_reserved_bytes:sum{{{SERVICE}}} {per_task} > 0)", [(None, YELLOW), (0.5, GREEN), (1, RED)]),
        ("Fullest container", "percentunit", f"max_over_time(service:ecs_memory_limit_usage:max_ratio{{{SERVICE}}}[$__range])", FILLING)])
    d.series("CPU", "none", "Cores that are reserved and used.", (f"service:ecs_cpu_reserved_cores:sum{{{SERVICE}}}", "{{aws_ecs_task_family}} reserved"), (f"service:ecs_cpu_usage_cores:rate5m{{{SERVICE}}}", "{{aws_ecs_task_family}} used"))
    d.series("Memory", "bytes", "Bytes that are reserved and used.", (f"service:ecs_memory_reserved_bytes:sum{{{SERVICE}}}", "{{aws_ecs_task_family}} reserved"), (f"service:ecs_memory_working_set_bytes:sum{{{SERVICE}}}", "{{aws_ecs_task_family}} used"))
    d.row("Instances")
    d.series("CPU of all instances", "percentunit", "Of what they registered: what is reserved, and what tasks use. Wide apart: reservations are too large.", (f"sum(cluster:ecs_cpu_reserved_cores:sum{{{CLUSTER}}}) / sum(cluster:ecs_cpu_registered_cores:sum{{{CLUSTER}}})", "reserved"), (f"sum(cluster:ecs_cpu_usage_cores:rate5m{{{CLUSTER}}}) / sum(cluster:ecs_cpu_registered_cores:sum{{{CLUSTER}}})", "used"))
    d.series("Memory of all instances", "percentunit", "The same for memory.", (f"sum(cluster:ecs_memory_reserved_bytes:sum{{{CLUSTER}}}) / sum(cluster:ecs_memory_registered_bytes:sum{{{CLUSTER}}})", "reserved"), (f"sum(cluster:ecs_memory_working_set_bytes:sum{{{CLUSTER}}}) / sum(cluster:ecs_memory_registered_bytes:sum{{{CLUSTER}}})", "used"))
    return d


def main():
    stale = []
    for name, made in (("fleet", fleet()), ("instance", instance()), ("service", service()), ("task", task()), ("noisy-neighbour", neighbour()), ("right-sizing", sizing())):
        file = HERE / f"{name}.json"
        if "--check" not in sys.argv:
            file.write_text(made.json())
        elif not file.exists() or file.read_text() != made.json():
            stale.append(f"{file.name} is not what make.py writes")
    print("\n".join(stale), end="\n" if stale else "")
    return bool(stale)


if __name__ == "__main__":
    sys.exit(main())
