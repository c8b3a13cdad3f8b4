using Mlops.Sdk.Testing;
using Mlops.Sdk.Tests;

namespace Mlops.Sdk.Governance.Tests;

public sealed class SnapshotTests
{
    [Fact]
    public async Task Approvals_saved_and_loaded_are_those_that_were_folded()
    {
        TestStore store = new();
        var guard = new ApprovalGuard(new GovernanceOptions { ApprovalsRequired = 1 });
        await using TestWorkspace workspace = await store.OpenAsync(new Actor("ada"), guard);
        ApprovalService service = new(workspace.Ledger, guard, workspace.Actors);
        for (int i = 1; i <= 6; i++)
        {
            workspace.Actors.Current = new Actor("ada", ActorKind.Service, "bearer", i % 2 == 0 ? "eve" : null);
            await workspace.RegisterAsync(i % 3 == 0 ? "other" : "taxi-fare", $"{i}");
            workspace.Actors.Current = new Actor("bob");
            await service.ApproveAsync(i % 3 == 0 ? "other" : "taxi-fare", i % 3 == 0 ? i / 3 : i - (i / 3), $"fine {i}");
        }

        SnapshotConformance.Check(() => new ApprovalGuard(new GovernanceOptions { ApprovalsRequired = 1 }), await workspace.EntriesAsync());
    }
}
