-- Copies of CORES pages usable on the day asked about. Read anew in the second phase: they are fetched after the first.
select s.snapshot_id, s.as_of, s.fetched_at, s.proves_absence
from {{ source('pw', 'snapshots') }} s
join {{ ref('stg_as_of') }} d on s.as_of <= d.as_of
where s.source = 'fcc_cores' and s.grade in ('complete', 'partial') and s.recalled_at is null and s.loaded_at is not null
