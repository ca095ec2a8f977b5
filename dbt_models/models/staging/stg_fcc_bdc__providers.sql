-- Providers of every usable edition, each edition as its newest complete copy (or, without one, its newest) has it.
with newest as (
    select distinct on (edition_on) snapshot_id, edition_on, vintage, as_of
    from {{ ref('stg_snapshots') }}
    where source = 'fcc_bdc' and is_loaded and edition_on is not null
    order by edition_on, grade = 'complete' desc, as_of desc, fetched_at desc
),
ranked as (
    select *, row_number() over (order by edition_on desc) as edition_rank from newest
)
select r.edition_on, left(r.vintage, 3) as edition, r.edition_rank, r.as_of, p.*
from {{ source('core', 'fcc_bdc_providers') }} p
join ranked r on r.snapshot_id = p.snapshot_id
