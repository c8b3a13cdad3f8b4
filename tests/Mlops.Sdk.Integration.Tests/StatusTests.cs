using Microsoft.Extensions.DependencyInjection;
using Mlops.Sdk.Monitoring;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Integration.Tests;

public sealed class StatusTests
{
    [Fact]
    public async Task An_empty_workspace_has_a_table_without_lines()
    {
        await using MlopsWorkspace workspace = await MlopsWorkspace.OpenAsync(new InMemoryObjectStore());
        WorkspaceStatus status = await workspace.StatusAsync();
        Assert.Empty(status.Models);
        Assert.Single(status.ToText().TrimEnd('\n').Split('\n'));
    }

    [Fact]
    public async Task A_screen_tells_version_alias_age_check_drift_alerts_and_approvals_with_columns_that_keep_their_width()
    {
        await using MlopsWorkspace workspace = await MlopsWorkspace.OpenAsync(
            new InMemoryObjectStore(),
            mlops => mlops.AddMonitoring(m => m.Watch("fraud", w => w.Alert("auc", p => p.On("performance.roc_auc").Below(0.8).Severity(AlertSeverity.Critical)))));
        await RegisterAsync(workspace, "fraud");
        await RegisterAsync(workspace, "a-model-with-a-name-longer-than-its-column");
        await workspace.Registry.MoveAliasAsync("fraud", MlopsWorkspace.Champion, 1, "first");
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        await workspace.Monitor.ReportAsync([new MonitorSignal { Model = "fraud", Version = 1, Name = "performance.roc_auc", From = now.AddHours(-1), To = now, Rows = 900, Value = 0.7 }]);
        WorkspaceStatus status = await workspace.StatusAsync();
        ModelOverview fraud = status.Models.Single(m => m.Model == "fraud");
        Assert.Equal((1, 1, "auc"), (fraud.Champion, fraud.Latest, fraud.Monitored!.OpenAlerts.Single().Policy));
        string[] lines = status.ToText().TrimEnd('\n').Split('\n');
        Assert.Equal(
            [
                "model                     champion    age  latest  last check            rows  drift    alerts  approval",
                "a-model-with-a-name-l...         -      -      v1  -                        0  -             0  -",
                "fraud                           v1     0m      v1  -                        0  -             1  -",
                "! critical     0m  fraud v1 auc: performance.roc_auc is 0.7 (below 0.8), over 900 rows.",
            ],
            lines);
    }

    private static async Task RegisterAsync(MlopsWorkspace workspace, string model)
    {
        ArtifactInfo file = await workspace.Artifacts.WriteAsync(new MemoryStream([1, 2, 3]));
        await workspace.Registry.RegisterAsync(
            new ModelManifest
            {
                Model = model,
                ModelFormat = "fake",
                Files = [new ModelFile("model.bin", file.Digest, file.Length)],
                Schema = new ModelSchema(ModelTask.Binary, [new ModelInput("a", InputKind.Number, "a")], [ModelOutputs.Probability], "y"),
                Algorithm = "none",
            },
            "for the test");
    }
}
