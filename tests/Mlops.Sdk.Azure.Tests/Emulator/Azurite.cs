using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Azure.Core;
using Azure.Storage.Blobs;
using Mlops.Sdk.Azure.Tests.Emulator;

[assembly: AssemblyFixture(typeof(Azurite))]

namespace Mlops.Sdk.Azure.Tests.Emulator;

/// <summary>A real blob emulator of these tests: installed, started and stopped by them, on a free port, with a folder and a key of its own.</summary>
public sealed class Azurite : IAsyncLifetime
{
    private const string Account = "mlops";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3); // ready in 2 to 30 s; a busy machine is given more
    private readonly string _key = Convert.ToBase64String(RandomNumberGenerator.GetBytes(64));
    private readonly DirectoryInfo _data = Directory.CreateTempSubdirectory("mlops-azurite-");
    private Process? _process;
    private Task<string>? _errors;
    private int _port;
    private int _containers;

    /// <summary>Gets the connection string of the account.</summary>
    internal string ConnectionString => $"DefaultEndpointsProtocol=http;AccountName={Account};AccountKey={_key};BlobEndpoint=http://127.0.0.1:{_port}/{Account};";

    internal string Key => _key;

    public async ValueTask InitializeAsync()
    {
        string folder = await AzuriteInstallation.EnsureAsync();
        for (int attempt = 1; ; attempt++)
        {
            _port = FreePort();
            await Console.Error.WriteLineAsync($"Starting the blob emulator on port {_port}.");
            if (await StartAsync(folder))
            {
                return;
            }

            string problem = await _errors!;
            if (attempt == 3)
            {
                throw new InvalidOperationException($"The blob emulator does not start: {problem}");
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
            _process.Dispose();
        }

        _data.Delete(recursive: true);
    }

    /// <summary>Makes the name of a container that nobody else uses.</summary>
    internal string NewName() => $"test-{Interlocked.Increment(ref _containers)}";

    /// <summary>Makes a store in a container of its own.</summary>
    internal AzureBlobObjectStore NewStore(AzureBlobOptions? options = null) => new(ConnectionString, NewName(), options);

    /// <summary>Makes a client with what tests want: retries that do not wait, and policies that see every attempt.</summary>
    internal static BlobClientOptions Client(params HttpPipelinePolicyOfTests[] policies)
    {
        var options = new BlobClientOptions();
        options.Retry.Mode = RetryMode.Fixed;
        options.Retry.Delay = TimeSpan.FromMilliseconds(1);
        options.Retry.MaxRetries = 5;
        foreach (HttpPipelinePolicyOfTests policy in policies)
        {
            options.AddPolicy(policy, HttpPipelinePosition.PerRetry);
        }

        return options;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private async Task<bool> StartAsync(string folder)
    {
        var start = new ProcessStartInfo(
            "node",
            [
                Path.Combine(folder, "start.js"), "--blobHost", "127.0.0.1", "--blobPort", $"{_port}", "--location", _data.FullName, "--silent", "--disableTelemetry",
                "--skipApiVersionCheck",
            ])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["AZURITE_ACCOUNTS"] = $"{Account}:{_key}";
        start.Environment["MLOPS_TEST_AZURITE"] = Path.Combine(folder, "node_modules", "azurite", "dist", "src", "blob", "main.js");
        _process = Process.Start(start)!;
        _errors = _process.StandardError.ReadToEndAsync();
        _ = _process.StandardOutput.ReadToEndAsync();
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        long begin = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(begin) < Patience && !_process.HasExited)
        {
            try
            {
                using HttpResponseMessage answer = await http.GetAsync(new Uri($"http://127.0.0.1:{_port}/{Account}?comp=list"));
                return true; // 403: it is up and knows nobody
            }
            catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System);
            }
        }

        if (!_process.HasExited)
        {
            _process.Kill();
        }

        await _process.WaitForExitAsync();
        _process.Dispose();
        _process = null;
        return false;
    }
}
