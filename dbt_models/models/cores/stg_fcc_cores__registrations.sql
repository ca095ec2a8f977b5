{{ config(materialized='view') }}
-- Every look-up in every usable copy.
select s.as_of, s.fetched_at, r.*
from {{ source('core', 'fcc_cores_registrations') }} r
join {{ ref('stg_cores_snapshots') }} s using (snapshot_id)
