{#- Each row names the copies it stands on, and none of them is rejected, recalled or of a later day. -#}
{% test stands_on_usable_copies(model, column_name) %}
with usable as (
    select snapshot_id from {{ ref('stg_snapshots') }} union all select snapshot_id from {{ ref('stg_cores_snapshots') }}
),
named as (
    select distinct unnest({{ column_name }}) as snapshot_id from {{ model }}
)
select snapshot_id, 'not usable' as fault from named where snapshot_id not in (select snapshot_id from usable)
union all
select null, 'stands on nothing' from {{ model }} where {{ column_name }} is null or cardinality({{ column_name }}) = 0
{% endtest %}
