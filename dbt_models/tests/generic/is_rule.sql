{#- A rule's model says one thing of an FRN at most; a finding stands on copies and evidence; what is held says why. -#}
{% test is_rule(model) %}
select frn, verdict, why, 'malformed' as fault
from {{ model }}
where frn is null or frn !~ '^\d{10}$' or frn = '0000000000'
   or verdict not in ('finding', 'ask', 'held')
   or cardinality(snapshot_ids) = 0
   or (verdict = 'finding' and (why is not null or evidence = '{}'))
   or (verdict = 'held' and coalesce(why, '') = '')
union all
select frn, min(verdict), null, 'twice' from {{ model }} group by frn having count(*) > 1
{% endtest %}
