@echo off
rem Runs the worker and keeps its exit code: for the task, and in exits.log (1 MB, one older file).
setlocal
cd /d "%~dp0"
if not exist state\logs mkdir state\logs
for %%F in (state\logs\exits.log) do if exist "%%F" if %%~zF GTR 1000000 move /y "%%F" state\logs\exits.1.log >nul
".venv\Scripts\python.exe" -m docserver run >nul 2>>state\logs\crash.log
set CODE=%ERRORLEVEL%
echo %DATE% %TIME% exit %CODE%>>state\logs\exits.log
exit /b %CODE%
