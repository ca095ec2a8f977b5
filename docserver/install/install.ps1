# Installs the worker in this folder and registers its task for -User (default: who runs this). Again: updates it.
# Run elevated: Windows lets only administrators register a task that begins at start-up.
# Needs Python 3.11+ (py launcher), Word, and docserver.toml. Without internet: put the wheels of obstore and pywin32
# into .\wheels first.
param([string]$User = [System.Security.Principal.WindowsIdentity]::GetCurrent().Name)
$ErrorActionPreference = 'Stop'
$folder = Split-Path -Parent $MyInvocation.MyCommand.Path
Set-Location $folder
$name = 'pw-docserver'
if (-not (Test-Path docserver.toml)) { throw 'Write docserver.toml first; docserver.toml.example shows how.' }

if (Get-ScheduledTask -TaskName $name -ErrorAction SilentlyContinue) {
    Disable-ScheduledTask -TaskName $name | Out-Null
    Stop-ScheduledTask -TaskName $name
    Start-Sleep -Seconds 5
}
if (-not (Test-Path .venv)) { py -3 -m venv .venv; if ($LASTEXITCODE) { throw "Python: exit code $LASTEXITCODE" } }
$wheel = (Get-ChildItem pw_docserver-*.whl | Select-Object -First 1).FullName
$from = @()
if (Test-Path wheels) { $from = @('--no-index', '--find-links', 'wheels') }
& .venv\Scripts\python.exe -m pip install --quiet --upgrade @from $wheel
if ($LASTEXITCODE) { throw "pip: exit code $LASTEXITCODE" }

if ($User -eq [System.Security.Principal.WindowsIdentity]::GetCurrent().Name) {
    & .venv\Scripts\python.exe -m docserver doctor
    if ($LASTEXITCODE) { throw 'Mend what doctor says, then run this again.' }
}

$xml = (Get-Content -Raw -Encoding UTF8 task.xml) -replace '<\?xml[^>]*\?>', ''
$xml = $xml.Replace('%USER%', [Security.SecurityElement]::Escape($User))
$xml = $xml.Replace('%FOLDER%', [Security.SecurityElement]::Escape($folder))
Register-ScheduledTask -TaskName $name -Xml $xml -Force | Out-Null
Enable-ScheduledTask -TaskName $name | Out-Null
Start-ScheduledTask -TaskName $name
Write-Output "Registered and started: $name. Logs: $folder\state\logs"
