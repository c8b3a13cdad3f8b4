using System.Diagnostics;
using Mlops.Sdk.Core.Tests.Processes;

namespace Mlops.Sdk.Core.Tests.Storage;

/// <summary>A medium that is full or cannot be written to: a small file system in memory, mounted by a child process for itself alone.</summary>
public sealed class FolderMediumTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task On_a_full_disk_a_write_fails_as_full_and_leaves_the_old_state_and_room_for_smaller_ones()
    {
        if (!OperatingSystem.IsLinux())
        {
            return; // the errors of other systems are mapped by their numbers only
        }

        string[] answers = await RunAsync(
            $"{Worker} open put:a:100000 put:b:1500000 put:a:1500000 artifact:1400000 length:a length:b list put:c:100000 delete:b put:a:1200000 length:a",
            "ls -A $DIR/.tmp; ls -A $DIR/.tmp/uploads");
        Assert.Equal(
            ["ok ", "ok True", "ok True", "store.full", "store.full", "ok 100000", "ok 1500000", "ok a b", "ok True", "ok True", "ok True", "ok 1200000", "uploads"],
            answers);
    }

    [Fact]
    public async Task A_folder_that_becomes_read_only_refuses_writes_as_denied_and_is_read_all_the_same_and_cannot_be_opened_anew()
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        string[] answers = await RunAsync(
            $"{Worker} put:a:1000 put:b/c:5 read-only put:a:7 put:d:7 touch:a delete:a artifact:9 artifact:1200000 length:a list",
            $"{Worker} open");
        Assert.Equal(
            ["ok True", "ok True", "ok 0", .. Enumerable.Repeat("store.access_denied", 6), "ok 1000", "ok a b/c", "store.access_denied"],
            answers);
    }

    private static string Worker => $"'{WorkerProcess.Host}' exec '{WorkerProcess.Assembly}' try $DIR";

    /// <summary>Runs commands of a shell with DIR a file system of 2 MiB.</summary>
    private async Task<string[]> RunAsync(params string[] commands)
    {
        string script = $"set -e; DIR='{_folder.Path}'; mount -t tmpfs -o size=2m none $DIR; {string.Join("; ", commands)}";
        using Process process = WorkerProcess.Start("unshare", [Environment.UserName == "root" ? "-m" : "-rm", "sh", "-c", script]);
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, await errors);
        return output.Split('\n')[..^1];
    }
}
