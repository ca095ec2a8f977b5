-- Which filing numbers stood in which usable copy, pruned copies included.
select s.as_of, s.fetched_at, s.proves_absence, p.*
from {{ source('core', 'fcc_rmd_presence') }} p
join {{ ref('stg_snapshots') }} s on s.snapshot_id = p.snapshot_id and s.source = 'fcc_rmd'
