using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Mlops.Sdk.Core.Tests.Processes;

/// <summary>A process that writes to a store until it is killed, as kill -9 does.</summary>
internal sealed class WorkerProcess : IDisposable
{
    private readonly Process _process;
    private readonly List<(long Number, string Id)> _acknowledged = [];
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _reading;
    private readonly Task<string> _errors;

    internal WorkerProcess(string folder, string name, int killAfter, params string[] mode)
    {
        string assembly = Path.Combine(AppContext.BaseDirectory, "Mlops.Sdk.Core.Tests.Worker.dll");
        string host = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet"));
        _process = Process.Start(new ProcessStartInfo(host, ["exec", assembly, folder, name, .. mode]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        _reading = Task.Run(() => ReadAsync(killAfter));
        _errors = _process.StandardError.ReadToEndAsync();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
    }

    /// <summary>Waits until it has acknowledged enough, kills it and tells all it acknowledged.</summary>
    internal async Task<IReadOnlyList<(long Number, string Id)>> KillAsync()
    {
        await Task.WhenAny(_ready.Task, _reading);
        if (!_ready.Task.IsCompleted)
        {
            Assert.Fail($"The worker ended by itself: {await _errors}");
        }

        _process.Kill();
        await _reading;
        await _process.WaitForExitAsync();
        return _acknowledged;
    }

    private async Task ReadAsync(int killAfter)
    {
        // what a worker says at once is below 4,096 bytes, which a pipe takes whole or not at all
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.Split(' ') is ["ack", var number, var id] && long.TryParse(number, CultureInfo.InvariantCulture, out long n))
            {
                _acknowledged.Add((n, id));
            }

            if (_acknowledged.Count >= killAfter)
            {
                _ready.TrySetResult();
            }
        }
    }
}
