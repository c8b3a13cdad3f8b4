using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Mlops.Sdk.Azure.Tests.Ledger;

/// <summary>A process that appends until it is killed, as kill -9 does.</summary>
internal sealed class WorkerProcess : IDisposable
{
    private readonly Process _process;
    private readonly List<(long Number, string Id)> _acknowledged = [];
    private readonly SemaphoreSlim _more = new(0);
    private readonly Task _reading;
    private readonly Task<string> _errors;

    internal WorkerProcess(string connectionString, string container, string name)
    {
        _process = Start(connectionString, [container, name]);
        _reading = Task.Run(ReadAsync);
        _errors = _process.StandardError.ReadToEndAsync();
    }

    /// <summary>Gets how many entries it has acknowledged so far.</summary>
    internal int Acknowledged
    {
        get
        {
            lock (_acknowledged)
            {
                return _acknowledged.Count;
            }
        }
    }

    /// <summary>Starts the worker with these arguments.</summary>
    internal static Process Start(string connectionString, IEnumerable<string> arguments)
    {
        string assembly = Path.Combine(AppContext.BaseDirectory, "Mlops.Sdk.Azure.Tests.Worker.dll");
        string host = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet"));
        var start = new ProcessStartInfo(host, ["exec", assembly, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true };
        start.Environment["MLOPS_TEST_BLOBS"] = connectionString;
        return Process.Start(start)!;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
        _more.Dispose();
    }

    /// <summary>Waits until it has acknowledged so many, kills it and tells all it acknowledged.</summary>
    internal async Task<IReadOnlyList<(long Number, string Id)>> KillAfterAsync(int count)
    {
        while (Acknowledged < count)
        {
            await Task.WhenAny(_more.WaitAsync(), _reading);
            if (_reading.IsCompleted)
            {
                Assert.Fail($"The worker ended by itself: {await _errors}");
            }
        }

        _process.Kill();
        await _reading;
        await _process.WaitForExitAsync();
        return _acknowledged;
    }

    private async Task ReadAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.Split(' ') is ["ack", var number, var id] && long.TryParse(number, CultureInfo.InvariantCulture, out long n))
            {
                lock (_acknowledged)
                {
                    _acknowledged.Add((n, id));
                }

                _more.Release();
            }
        }
    }
}
