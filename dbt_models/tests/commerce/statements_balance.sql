-- A statement whose earnings, less what was taken back, are not what is pending, payable and paid.
select agent_id, month, earned, taken_back, pending, payable, paid
from {{ ref('mart_agent_statement') }}
where earned + taken_back <> pending + payable + paid
