{{ config(meta={'dagster': {'group': 'findings'}}, indexes=[{'columns': ['number'], 'unique': true}, {'columns': ['frn']}]) }}
-- One row per RMD filing in force: what it lacks, filing by filing. Findings judge the best filing of an FRN.
select number, frn, snapshot_id, as_of, layout, implementation,
       is_name_blank, is_contact_incomplete, is_role_none, is_implementation_blank, is_last_updated_blank,
       is_never_updated,
       case when can_judge_recertification then recertified_on is not null end as is_recertified,
       case when can_judge_recertification then coalesce(recertified_on > due_on_et, false) end as is_recertified_late,
       case when judged_year is not null then made end as made,
       is_foreign, last_updated_on, last_recertified_on
from {{ ref('int_rmd_filings') }}
