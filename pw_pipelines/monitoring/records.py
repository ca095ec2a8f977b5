"""What the house stands on, as metrics: copies of the public record, registers, portals, backups, the database."""

from __future__ import annotations

from pw_pipelines.backups.documents import WAITING
from pw_pipelines.db.tables.backups import SUBJECTS
from pw_pipelines.monitoring.groups import Gauge, Group
from pw_pipelines.sources.contract import contracts

# By contract: sources that nobody has read yet are shown too, without an age.
_IN_FORCE = """
select source, extract(epoch from %(now)s - s.fetched_at) as age, s.rows
  from unnest(%(sources)s::text[]) as source
 cross join lateral (select fetched_at, rows from pw.snapshots
                      where pw.snapshots.source = source.source and grade in ('complete', 'partial')
                        and recalled_at is null and loaded_at is not null
                      order by as_of desc, fetched_at desc limit 1) s
"""
_NEWEST = """
select source, grade, (s.newest = grade)::int as is_so
  from unnest(%(sources)s::text[]) as source
 cross join lateral (select pw.snapshots.grade as newest from pw.snapshots where pw.snapshots.source = source.source
                      order by as_of desc, fetched_at desc limit 1) s
 cross join unnest(array['pending', 'complete', 'partial', 'rejected', 'recalled']) as grade
"""
_PROMISED = """
select * from unnest(%(sources)s::text[], %(limits)s::float[]) as promised(source, seconds)
"""
_REGISTERS = """
select state, rows, extract(epoch from %(now)s - whole_as_of::timestamptz) as age, cardinality(missing_days) as missing
  from registry.coverage
"""
_PORTALS = """
select portal, (closed_at is null)::int as is_open, probe_ok::int as probe_ok,
       extract(epoch from %(now)s - probed_at) as age
  from pw.filing_portals
"""
_SELECTORS = """
select p.portal, p.changed
  from (select distinct portal from pw.portal_selectors where is_used) as known
 cross join lateral (select portal, changed from pw.portal_probes where portal_probes.portal = known.portal
                      order by at desc limit 1) p
"""
# A set one may count on is off-site, read through and undamaged (backups.model.BackupSet.is_good); one that is dated
# ahead was made while a clock was wrong, and says nothing of how old data is.
_GOOD = "confirmed_at is not null and verified_at is not null and damage is null"
_BACKUPS = f"""
select subject, extract(epoch from %(now)s - max(captured_at)) as made,
       extract(epoch from %(now)s - max(captured_at) filter (where {_GOOD})) as off_site,
       (count(*) filter (where damage is not null)) as damaged,
       (array_agg(bytes order by captured_at desc))[1] as bytes
  from (select *, captured_at > %(now)s + interval '15 minutes' as ahead from pw.backup_sets
         where state = 'complete') as sets
 where not ahead group by 1
"""
_SUBJECTS = f"""
select subject, exists (select 1 from pw.backup_sets s where s.subject = subjects.subject and s.state = 'complete'
                           and {_GOOD})::int as has_one
  from unnest(%(subjects)s::text[]) as subjects(subject)
"""
_DRILL = """
select extract(epoch from %(now)s - finished_at) as age, ok::int as ok, rpo_seconds, rto_seconds
  from pw.backup_drills where finished_at is not null order by started_at desc limit 1
"""
_DRILLS = """
select count(*) filter (where ok) as good from pw.backup_drills where started_at > %(now)s - interval '30 days'
"""
# What a lost machine would cost now: the oldest journal row that has not been read back off-site.
_JOURNAL = """
select coalesce(greatest(extract(epoch from %(now)s - least(
           (select at from pw.journal where shipped_in is null order by seq limit 1),
           (select min(oldest_at) from pw.journal_shipments where confirmed_at is null))), 0), 0) as exposed,
       (select count(*) from pw.journal where shipped_in is null) as unshipped,
       (select count(*) from pw.journal_shipments where confirmed_at is null) as unconfirmed
"""
_DOCUMENTS = f"""
select count(*) as waiting, coalesce(greatest(extract(epoch from %(now)s - min(since)), 0), 0) as exposed
  from ({WAITING}) waiting
"""
# As the sensor `word_server_watch` saw it last: a scrape asks no store.
_WORD = """
select (key like 'service:word:away:%%')::int as away from pw.alerts
 where key like 'service:word:%%' order by raised_at desc, key desc limit 1
"""
_STOPS = """
select scope, count(s.stop_id) as stops
  from unnest(array['all', 'segment']) as scope
  left join (select scope, stop_id from pw.sending_stops where lifted_at is null) s using (scope)
 group by 1
"""
_DATABASE = """
select pg_database_size(current_database()) as bytes,
       (select count(*) from pg_stat_activity where datname = current_database()) as connections,
       current_setting('max_connections')::int as most,
       coalesce((select extract(epoch from clock_timestamp() - min(xact_start)) from pg_stat_activity
                  where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null), 0) as xact
"""


def groups() -> tuple[Group, ...]:
    """Read once per process: the sources and their limits come from the contracts."""
    sources = list(contracts())
    limits = [contracts()[source].freshness.fail_hours * 3600 for source in sources]
    return (
        Group("snapshots", _IN_FORCE, (
            Gauge("pw_snapshot_age_seconds", "Age of the copy in force of a public source.", "age", ("source",)),
            Gauge("pw_snapshot_rows", "Rows of the copy in force.", "rows", ("source",))), values={"sources": sources}),
        Group("snapshot_grades", _NEWEST, (
            Gauge("pw_snapshot_newest_grade", "1 for the grade of a source's newest copy, in force or not.", "is_so",
                  ("source", "grade")),), values={"sources": sources}),
        Group("snapshot_promises", _PROMISED, (
            Gauge("pw_snapshot_max_age_seconds", "How old a source's copy in force may grow, by its contract.",
                  "seconds", ("source",)),), values={"sources": sources, "limits": limits}),
        Group("registers", _REGISTERS, (
            Gauge("pw_register_rows", "Names in the register of a state.", "rows", ("state",)),
            Gauge("pw_register_age_seconds", "Age of the last whole copy of a state's register.", "age", ("state",)),
            Gauge("pw_register_missing_days", "Daily files of a register that never came.", "missing", ("state",)))),
        Group("portals", _PORTALS, (
            Gauge("pw_portal_open", "1 while a portal is open for filing, 0 when it was closed.", "is_open",
                  ("portal",)),
            Gauge("pw_portal_probe_ok", "1 when everything stood at the last probe of a portal.", "probe_ok",
                  ("portal",)),
            Gauge("pw_portal_probe_age_seconds", "Age of the last probe of a portal.", "age", ("portal",)))),
        Group("selectors", _SELECTORS, (
            Gauge("pw_portal_selectors_changed", "Selectors of a portal that did not stand at the newest look.",
                  "changed", ("portal",)),)),
        Group("backups", _BACKUPS, (
            Gauge("pw_backup_age_seconds", "Age of the data in the newest complete backup.", "made", ("subject",)),
            Gauge("pw_backup_off_site_age_seconds", "The same of the newest one that may be counted on.", "off_site",
                  ("subject",)),
            Gauge("pw_backup_damaged_sets", "Complete sets that were found damaged.", "damaged", ("subject",)),
            Gauge("pw_backup_size_bytes", "Size of the newest complete backup.", "bytes", ("subject",)))),
        Group("backup_subjects", _SUBJECTS, (
            Gauge("pw_backup_present", "1 when a whole, undamaged backup is off-site.", "has_one", ("subject",)),),
            values={"subjects": list(SUBJECTS)}),
        Group("drill", _DRILL, (
            Gauge("pw_backup_drill_age_seconds", "Time since the last restore drill ended.", "age"),
            Gauge("pw_backup_drill_ok", "1 when the last drill proved everything.", "ok"),
            Gauge("pw_backup_drill_rpo_seconds", "Data the last drill would have lost.", "rpo_seconds"),
            Gauge("pw_backup_drill_rto_seconds", "How long the last drill's restore took.", "rto_seconds"))),
        Group("drills", _DRILLS, (
            Gauge("pw_backup_drills_good_30d", "Drills of the last 30 days that proved everything.", "good"),)),
        Group("journal", _JOURNAL, (
            Gauge("pw_backup_rpo_seconds", "Paid orders and deeds of so many seconds are on this machine alone.",
                  "exposed"),
            Gauge("pw_journal_unshipped_rows", "Journal rows that have not left.", "unshipped"),
            Gauge("pw_journal_unconfirmed_shipments", "Shipments that have not been read back off-site.",
                  "unconfirmed")), clock="machine"),
        Group("documents", _DOCUMENTS, (
            Gauge("pw_backup_documents_waiting", "Signed PDFs, evidence and payouts that are on this machine alone.",
                  "waiting"),
            Gauge("pw_backup_documents_waiting_seconds", "Age of the oldest of them; 0 without one.", "exposed"))),
        Group("word_server", _WORD, (
            Gauge("pw_word_server_away", "1 since ops were told that the Word server is away, 0 since it is back.",
                  "away"),)),
        Group("stops", _STOPS, (
            Gauge("pw_sending_stops", "Stops of the sending of mail that a person has not lifted.", "stops",
                  ("scope",)),)),
        Group("database", _DATABASE, (
            Gauge("pw_database_size_bytes", "Size of the warehouse on disk.", "bytes"),
            Gauge("pw_database_connections", "Connections to the warehouse.", "connections"),
            Gauge("pw_database_max_connections", "Most connections the server takes.", "most"),
            Gauge("pw_database_longest_transaction_seconds", "Age of the oldest open transaction.", "xact"))),
    )  # fmt: skip
