using System.Text.Json;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Integration.Tests.Verification;

/// <summary>The code of docs/guides/verifying.md, run.</summary>
public sealed class VerifyingSnippets(Everything everything) : IClassFixture<Everything>
{
    [Fact]
    public async Task A_workspace_is_verified_and_what_was_found_is_printed()
    {
        string folder = everything.Folder;
        var console = new StringWriter();
        TextWriter Console = console;

        #region verify
        WorkspaceVerification found = await MlopsWorkspace.VerifyFolderAsync(folder);
        foreach (AreaVerification area in found.Areas)
        {
            Console.WriteLine($"{area.Area}: {area.Objects} objects, {area.Bytes} bytes read, {area.Damaged} damaged, {area.Unchecked} unchecked, {area.Leftovers} left over");
        }

        foreach (StoreFinding finding in found.Findings)
        {
            Console.WriteLine(finding);
        }

        Console.WriteLine(found.Ok ? "Everything is what was written." : "Something is not what was written.");
        #endregion

        Assert.Contains("Everything is what was written.", console.ToString(), StringComparison.Ordinal);
        Assert.Contains("artifacts: ", console.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_checkpoint_kept_elsewhere_finds_a_store_that_was_rolled_back()
    {
        using var elsewhere = new TemporaryFolder();
        string checkpointFile = elsewhere["checkpoint.json"];
        InMemoryObjectStore store = await everything.CopyAsync();

        #region keep
        await using MlopsWorkspace mlops = await MlopsWorkspace.OpenAsync(store);
        LedgerCheckpoint now = await mlops.Ledger.CheckpointAsync();
        await File.WriteAllTextAsync(checkpointFile, JsonSerializer.Serialize(now));
        #endregion

        #region compare
        LedgerCheckpoint trusted = JsonSerializer.Deserialize<LedgerCheckpoint>(await File.ReadAllTextAsync(checkpointFile))!;
        WorkspaceVerification found = await mlops.VerifyAsync(trusted);
        if (!found.Ok)
        {
            throw new InvalidOperationException($"The workspace is not what it was: {found.Findings[0]}");
        }

        LedgerCheckpoint next = found.Ledger.Checkpoint; // keep this one instead of the older
        #endregion

        Assert.Equal(everything.Checkpoint, trusted);
        Assert.Equal(trusted, next);
        string last = everything.Objects.Keys.Last(k => k.StartsWith("ledger/commits/", StringComparison.Ordinal));
        await store.DeleteAsync(ObjectKey.Parse(last));
        Assert.False((await MlopsWorkspace.VerifyStoreAsync(store, trusted: trusted)).Ok);
    }

    [Fact]
    public async Task A_package_of_ones_own_takes_part()
    {
        InMemoryObjectStore store = await everything.CopyAsync();
        await Everything.PutAsync(store, "notes/one", "text"u8.ToArray());
        await Everything.PutAsync(store, "notes/two", []);

        #region own
        WorkspaceVerification found = await MlopsWorkspace.VerifyStoreAsync(store, m => m.Services.Add(
            new(typeof(IStoreInspector), new NotesInspector())));
        #endregion

        StoreFinding finding = Assert.Single(found.Findings);
        Assert.Equal(("notes", "notes/two", StoreFindingKind.Damaged), (finding.Area, finding.Key, finding.Kind));
        Assert.Equal(2, found.Areas.Single(a => a.Area == "notes").Objects);
    }

    #region inspector
    private sealed class NotesInspector : IStoreInspector
    {
        public string Area => "notes";

        public IReadOnlyList<string> Prefixes => ["notes/"];

        public ValueTask<IStoreInspection> StartAsync(StoreInspectionContext context, CancellationToken cancellationToken = default) =>
            ValueTask.FromResult<IStoreInspection>(new Inspection(context));

        private sealed class Inspection(StoreInspectionContext context) : IStoreInspection
        {
            public async ValueTask<StoreFinding?> InspectAsync(ObjectInfo found, CancellationToken cancellationToken = default)
            {
                byte[]? note = await context.ReadAsync(found.Key, maxBytes: 4_096, cancellationToken);
                return note is { Length: 0 }
                    ? new StoreFinding(StoreFindingKind.Damaged, found.Key.Value, "a note", "no bytes", "Write it again.")
                    : null; // good, or gone since it was listed
            }

            public IAsyncEnumerable<StoreFinding> FinishAsync(CancellationToken cancellationToken = default) =>
                AsyncEnumerable.Empty<StoreFinding>();
        }
    }
    #endregion
}
