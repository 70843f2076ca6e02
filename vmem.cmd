@echo off
rem The command vmem from a clone: builds the tool when it is missing, then runs it.
setlocal
set "tool=%~dp0src\Vmem.Tool\bin\Release\net10.0\Vmem.Tool.dll"
if not exist "%tool%" (
  echo Building the tool. The first time also fetches packages, which can take a minute or two. 1>&2
  dotnet build "%~dp0src\Vmem.Tool" -c Release --nologo 1>&2 || exit /b 1
)
dotnet exec "%tool%" %*
