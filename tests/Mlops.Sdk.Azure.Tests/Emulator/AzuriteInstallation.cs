using System.Diagnostics;
using System.Security.Cryptography;
using Mlops.Sdk.Tests;

namespace Mlops.Sdk.Azure.Tests.Emulator;

/// <summary>The emulator's files, installed once per lock file into the artifacts folder.</summary>
internal static class AzuriteInstallation
{
    private static readonly string[] Files = ["package.json", "package-lock.json", ".npmrc", "start.js"];
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(15); // somebody else may be installing on a slow network

    /// <summary>Returns the folder that holds start.js and node_modules.</summary>
    internal static async Task<string> EnsureAsync()
    {
        string source = Path.Combine(AppContext.BaseDirectory, "azurite");
        string hash = Convert.ToHexStringLower(SHA256.HashData([.. Files.SelectMany(f => File.ReadAllBytes(Path.Combine(source, f)))]))[..16];
        string root = Directory.CreateDirectory(Path.Combine(Repository.Root, "artifacts", "azurite")).FullName;
        string folder = Path.Combine(root, hash);
        string marker = Path.Combine(folder, ".installed");
        await EnsureNodeAsync();
        if (File.Exists(marker))
        {
            return folder;
        }

        await using FileStream _ = await LockAsync(Path.Combine(root, ".lock"));
        if (File.Exists(marker))
        {
            return folder;
        }

        await Console.Error.WriteLineAsync($"Installing the blob emulator with npm into {Repository.Relative(folder)} (once, about a minute).");
        Directory.CreateDirectory(folder);
        foreach (string file in Files)
        {
            File.Copy(Path.Combine(source, file), Path.Combine(folder, file), overwrite: true);
        }

        await RunAsync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error"], folder);
        await File.WriteAllTextAsync(marker, hash);
        return folder;
    }

    private static async Task EnsureNodeAsync()
    {
        if (IsOnPath("node") && IsOnPath("npm"))
        {
            return;
        }

        await Console.Error.WriteLineAsync("node and npm are not there: installing them with apt-get.");
        await RunAsync("apt-get", ["install", "-y", "-q", "nodejs", "npm"], Path.GetTempPath());
    }

    private static bool IsOnPath(string program) => (Environment.GetEnvironmentVariable("PATH") ?? string.Empty)
        .Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, program)) || File.Exists(Path.Combine(folder, program + ".exe")));

    private static async Task<FileStream> LockAsync(string path)
    {
        long start = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1); // goes with its process
            }
            catch (IOException) when (TimeProvider.System.GetElapsedTime(start) < Patience)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(250), TimeProvider.System);
            }
        }
    }

    private static async Task RunAsync(string program, string[] arguments, string folder)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"'{program} {string.Join(' ', arguments)}' ended with {process.ExitCode}: {await errors} {await output}");
        }
    }
}
