using Mlops.Sdk.Tests;

namespace Mlops.Sdk.Governance.Tests;

public sealed class AuditTests
{
    private readonly TestStore _store = new();

    [Fact]
    public async Task Entries_are_found_by_who_what_where_when_and_how_it_ended()
    {
        await using TestWorkspace workspace = await _store.OpenAsync(new Actor("ada"));
        AuditLog audit = new(workspace.Ledger);
        await workspace.RegisterAsync("a");
        _store.Time.Advance(TimeSpan.FromMinutes(1));
        workspace.Actors.Current = new Actor("bot", ActorKind.Service, OnBehalfOf: "bob");
        await workspace.RegisterAsync("b", status: VersionStatus.Rejected);
        _store.Time.Advance(TimeSpan.FromMinutes(1));
        await workspace.Registry.MoveAliasAsync("a", "champion", 1, "why");
        await Assert.ThrowsAsync<MlopsDeniedException>(async () => await workspace.Registry.MoveAliasAsync("b", "champion", 1, "why"));
        await workspace.Registry.StartRunAsync(new RunStart("r1", "e", "manual", "why"));

        Assert.Equal([0, 1, 2, 3, 4], await FindAsync(new AuditFilter()));
        Assert.Equal([0], await FindAsync(new AuditFilter { Actor = "ada" }));
        Assert.Equal([1, 2, 3, 4], await FindAsync(new AuditFilter { Actor = "bob" }));
        Assert.Equal([2, 3], await FindAsync(new AuditFilter { Kind = LedgerKinds.AliasMoved }));
        Assert.Equal([0, 1, 2, 3], await FindAsync(new AuditFilter { Kind = "model." }));
        Assert.Equal([], await FindAsync(new AuditFilter { Kind = "model" }));
        Assert.Equal([1, 3], await FindAsync(new AuditFilter { ResourceKind = "model", ResourceName = "b" }));
        Assert.Equal([3], await FindAsync(new AuditFilter { Outcome = LedgerOutcome.Denied }));
        Assert.Equal([4], await FindAsync(new AuditFilter { Correlation = "r1" }));
        Assert.Equal([1], await FindAsync(new AuditFilter { From = TestStore.Start.AddMinutes(1), Until = TestStore.Start.AddMinutes(2) }));
        Assert.Equal([3, 4], await FindAsync(new AuditFilter { FromEntry = 3 }));

        async Task<List<long>> FindAsync(AuditFilter filter)
        {
            List<long> found = [];
            await foreach (LedgerEntry entry in audit.QueryAsync(filter))
            {
                found.Add(entry.Number);
            }

            return found;
        }
    }

    [Fact]
    public async Task Verification_names_the_first_commit_that_was_tampered_with()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        await workspace.RegisterAsync(content: "1");
        await workspace.RegisterAsync(content: "2");
        AuditLog audit = new(workspace.Ledger);
        Assert.True((await audit.VerifyAsync()).Ok);
        List<ObjectInfo> commits = [];
        await foreach (ObjectInfo info in _store.Store.ListAsync("ledger/"))
        {
            commits.Add(info);
        }

        await using (Stream content = (await _store.Store.OpenAsync(commits[1].Key))!)
        {
            using MemoryStream bytes = new();
            await content.CopyToAsync(bytes);
            bytes.GetBuffer()[bytes.Length / 2] ^= 1;
            bytes.Position = 0;
            await _store.Store.PutAsync(commits[1].Key, bytes);
        }

        LedgerVerification found = await audit.VerifyAsync();
        Assert.Equal((false, 1L), (found.Ok, found.BadCommit));
    }
}
