using Mlops.Sdk.Data;

namespace Mlops.Sdk.Pipelines.Tests;

public sealed class ReferenceFileTests
{
    [Fact]
    public async Task A_run_stores_what_sources_make_of_the_test_rows()
    {
        var source = new Facts();
        await using Workspace workspace = await Workspace.OpenAsync(null, source);
        ModelManifest manifest = await workspace.Registry.ReadManifestAsync((await workspace.RunAsync(new LateRides(Rides.Make(1_200)))).Version!);
        ModelFile file = manifest.Files.Single(f => f.Name == "facts.bin");
        Assert.Equal([1, 2, 3], await workspace.Artifacts.ReadAsync(file.Digest, 10));
        Assert.Equal(300, source.Seen!.Actuals.Count);
        Assert.Equal(300, source.Seen.Table.Rows);
        Assert.Equal(manifest.Schema.Outputs.Count, source.Seen.Outputs.Count);
        Assert.All(source.Seen.Actuals, a => Assert.True(a is 0 or 1));
        Assert.InRange(source.Seen.Actuals.Average(), 0.01, 0.99);
    }

    private sealed class Facts : IReferenceFileSource
    {
        public ReferenceRows? Seen { get; private set; }

        public IReadOnlyList<ReferenceFile> Make(ReferenceRows rows, CancellationToken cancellationToken = default)
        {
            Seen = rows;
            return [new ReferenceFile("facts.bin", [1, 2, 3])];
        }
    }
}
