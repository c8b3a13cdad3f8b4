using System.Globalization;
using System.Text;
using Mlops.Sdk.Registry;

namespace Mlops.Sdk.Integration.Worker;

/// <summary>Writes to the registry of a workspace without end and says what was acknowledged: "version NUMBER DIGEST", "tag NUMBER VALUE", "alias TO REASON", "points RUN LAST-STEP".</summary>
public static class RegistryWriter
{
    public const string Model = "killed";

    public static async Task RunAsync(string folder, string name)
    {
        await using MlopsWorkspace mlops = await MlopsWorkspace.OpenAsync(folder);
        await Task.WhenAll(Task.Run(() => RegisterAsync(mlops, name)), Task.Run(() => MoveAsync(mlops, name)), Task.Run(() => TrackAsync(mlops, name)));
    }

    private static async Task RegisterAsync(MlopsWorkspace mlops, string name)
    {
        for (int i = 0; ; i++)
        {
            using var content = new MemoryStream(Encoding.UTF8.GetBytes($"model {name} {i}"));
            ArtifactInfo file = await mlops.Artifacts.WriteAsync(content);
            ModelVersion version = await mlops.Registry.RegisterAsync(
                new ModelManifest
                {
                    Model = Model,
                    ModelFormat = "none",
                    Algorithm = "none",
                    Files = [new ModelFile("model.bin", file.Digest, file.Length)],
                    Schema = new ModelSchema(ModelTask.Regression, [new ModelInput("X", InputKind.Number, "X")], ["Score"], "Y"),
                },
                $"by {name}");
            Say($"version {version.Number} {version.Digest}");
            await mlops.Registry.SetTagAsync(Model, version.Number, "by", name, "to see");
            Say($"tag {version.Number} {name}");
        }
    }

    private static async Task MoveAsync(MlopsWorkspace mlops, string name)
    {
        int moves = 0;
        for (int i = 0; ; i++)
        {
            int versions = (await mlops.Registry.ListVersionsAsync(Model)).Count;
            if (versions == 0)
            {
                await Task.Yield();
                continue;
            }

            string reason = $"{name}-{i}";
            AliasMove move = moves % 5 == 4
                ? await RollbackAsync(mlops, reason)
                : await mlops.Registry.MoveAliasAsync(Model, "champion", 1 + (i % versions), reason);
            if (move.Reason == reason)
            {
                moves++;
                Say($"alias {move.To} {reason}"); // a move to what is named already writes nothing and answers with the earlier one
            }
        }
    }

    private static async Task<AliasMove> RollbackAsync(MlopsWorkspace mlops, string reason)
    {
        try
        {
            return await mlops.Registry.RollbackAsync(Model, "champion", reason);
        }
        catch (MlopsConflictException nothing) when (nothing.Code == "registry.nothing_before")
        {
            return await mlops.Registry.MoveAliasAsync(Model, "champion", 1, reason);
        }
    }

    private static async Task TrackAsync(MlopsWorkspace mlops, string name)
    {
        await using TrackedRun run = await mlops.Runs.StartRunAsync(new RunStart($"run-{name}", "killed", "test", "to be killed"));
        for (int step = 0; ; step++)
        {
            run.LogMetric("loss", 1.0 / (step + 1), step);
            if (step % 50 == 49)
            {
                await run.FlushAsync();
                Say($"points run-{name} {step}");
            }
        }
    }

    private static void Say(string line) => Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{line}"));
}
