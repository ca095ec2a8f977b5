{{ config(materialized='table') }}
-- One row per source: whether "not listed" is a fact on the day asked about, and by which copies. A copy counts once
-- a day, and identical rows, in whatever bytes, count once where the source's contract says so. Of the broadband data, the latest
-- edition alone counts.
with latest_edition as (
    select max(edition_on) as edition_on from {{ ref('stg_snapshots') }} where source = 'fcc_bdc' and is_loaded
),
proving as (
    select s.*, c.absence_sightings, c.absence_distinct_bytes
    from {{ ref('stg_snapshots') }} s
    join {{ source('pw', 'sources') }} c on c.source = s.source and c.absence_sightings is not null
    where s.proves_absence
      and (s.is_loaded or s.source = 'fcc_rmd')
      and (s.source <> 'fcc_bdc' or s.edition_on = (select edition_on from latest_edition))
),
one_a_day as (
    select distinct on (source, as_of) * from proving order by source, as_of, fetched_at desc
),
one_of_a_kind as (
    select distinct on (source, case when absence_distinct_bytes then content else snapshot_id end) *
    from one_a_day
    order by source, case when absence_distinct_bytes then content else snapshot_id end, as_of desc
),
numbered as (
    select *, row_number() over (partition by source order by as_of desc, fetched_at desc) as sighting
    from one_of_a_kind
)
select c.source,
       c.absence_sightings as needed,
       count(n.snapshot_id)::int as seen,
       c.absence_sightings is not null and count(n.snapshot_id) >= c.absence_sightings as is_proven,
       min(n.as_of) as since_on,
       max(n.as_of) as until_on,
       min(n.edition_on) as edition_on,
       coalesce(array_agg(n.snapshot_id order by n.as_of) filter (where n.snapshot_id is not null), '{}') as snapshot_ids
from {{ source('pw', 'sources') }} c
left join numbered n on n.source = c.source and n.sighting <= c.absence_sightings
group by c.source, c.absence_sightings
