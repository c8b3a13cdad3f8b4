using Mlops.Sdk.Tests;

namespace Mlops.Sdk.Registry.Tests;

/// <summary>The same registry on a real folder, as several processes use it.</summary>
public sealed class FolderTests : IDisposable
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"mlops-registry-{Path.GetRandomFileName()}");

    [Fact]
    public async Task Eight_writers_over_two_openings_of_a_folder_share_no_number_and_a_third_reads_it_all()
    {
        TestStore first = new(writersMeet: true) { Store = new FolderObjectStore(_folder, TimeProvider.System) };
        TestStore second = new(writersMeet: true) { Store = new FolderObjectStore(_folder, TimeProvider.System) };
        await using TestWorkspace one = await first.OpenAsync(new Actor("ada"));
        await using TestWorkspace two = await second.OpenAsync(new Actor("bob"));
        ModelVersion[] all = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(() => (i % 2 == 0 ? one : two).RegisterAsync(content: $"{i}"))));
        Assert.Equal(Enumerable.Range(1, 8), all.Select(v => v.Number).Order());
        await one.Registry.MoveAliasAsync("taxi-fare", "champion", 8, "newest");

        TestStore third = new(writersMeet: true) { Store = new FolderObjectStore(_folder, TimeProvider.System) };
        await using TestWorkspace reader = await third.OpenAsync();
        Assert.Equal(8, (await reader.Registry.FindAliasAsync("taxi-fare", "champion"))!.Number);
        Assert.Equivalent(await two.Registry.ListVersionsAsync("taxi-fare"), await reader.Registry.ListVersionsAsync("taxi-fare"), strict: true);
        foreach (ModelVersion version in await reader.Registry.ListVersionsAsync("taxi-fare"))
        {
            Assert.Equal("taxi-fare", (await reader.Registry.ReadManifestAsync(version)).Model);
        }
    }

    [Fact]
    public async Task A_manifest_with_a_flipped_bit_on_disk_is_refused()
    {
        TestStore store = new(writersMeet: true) { Store = new FolderObjectStore(_folder, TimeProvider.System) };
        await using TestWorkspace workspace = await store.OpenAsync();
        ModelVersion version = await workspace.RegisterAsync();
        string file = Assert.Single(Directory.EnumerateFiles(_folder, "*", SearchOption.AllDirectories), f => Digest.Of(File.ReadAllBytes(f)) == version.Digest);
        byte[] bytes = await File.ReadAllBytesAsync(file);
        bytes[bytes.Length / 2] ^= 1;
        File.SetAttributes(file, FileAttributes.Normal);
        await File.WriteAllBytesAsync(file, bytes);
        MlopsIntegrityException error = await Assert.ThrowsAsync<MlopsIntegrityException>(async () => await workspace.Registry.ReadManifestAsync(version));
        Assert.Equal("artifact.corrupt", error.Code);
    }

    public void Dispose()
    {
        if (Directory.Exists(_folder))
        {
            Directory.Delete(_folder, recursive: true);
        }
    }
}
