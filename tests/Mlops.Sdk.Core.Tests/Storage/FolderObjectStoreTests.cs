using System.Text;
using Microsoft.Extensions.Time.Testing;

namespace Mlops.Sdk.Core.Tests.Storage;

/// <summary>What is particular to a folder: other programs, other processes and the file system itself.</summary>
public sealed class FolderObjectStoreTests : IDisposable
{
    private static readonly ObjectKey Key = ObjectKey.Parse("a/b");
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Opening_makes_the_folder_and_an_object_is_a_plain_file_in_it()
    {
        var store = new FolderObjectStore(_folder["new/deep"]);
        await WriteAsync(store, Key, "hello");
        Assert.Equal("hello", await File.ReadAllTextAsync(_folder["new/deep/a/b"]));
    }

    [Fact]
    public void A_place_below_a_file_cannot_be_opened_and_the_error_names_it()
    {
        File.WriteAllText(_folder["file"], "not a folder");
        MlopsStorageException error = Assert.Throws<MlopsStorageException>(() => new FolderObjectStore(_folder["file/store"]));
        Assert.StartsWith("store.", error.Code, StringComparison.Ordinal);
        Assert.Contains(_folder["file/store"], error.Message, StringComparison.Ordinal);
        Assert.IsAssignableFrom<IOException>(error.InnerException);
    }

    [Theory]
    [InlineData("/proc/mlops-store")]
    [InlineData("/sys/mlops-store")]
    public void A_place_that_cannot_be_written_cannot_be_opened(string path)
    {
        MlopsStorageException error = Assert.Throws<MlopsStorageException>(() => new FolderObjectStore(path));
        Assert.True(error.Code is "store.access_denied" or "store.unavailable", error.Code);
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_write_whose_folder_has_become_a_file_is_an_error_and_leaves_nothing()
    {
        var store = new FolderObjectStore(_folder.Path);
        await File.WriteAllTextAsync(_folder["a"], "in the way");
        MlopsStorageException error = await Assert.ThrowsAsync<MlopsStorageException>(async () => await WriteAsync(store, Key, "x"));
        Assert.Equal("store.invalid_key", error.Code);
        Assert.Empty(Directory.GetFiles(_folder[".tmp"]));
    }

    [Fact]
    public async Task A_key_that_is_the_folder_of_others_is_refused()
    {
        var store = new FolderObjectStore(_folder.Path);
        await WriteAsync(store, Key, "x");
        foreach (PutCondition condition in new[] { PutCondition.Any, PutCondition.IfAbsent })
        {
            MlopsStorageException error = await Assert.ThrowsAsync<MlopsStorageException>(async () => await WriteAsync(store, ObjectKey.Parse("a"), "y", condition));
            Assert.Equal("store.invalid_key", error.Code);
        }

        Assert.Null(await store.OpenAsync(ObjectKey.Parse("a")));
        Assert.Null(await store.HeadAsync(ObjectKey.Parse("a")));
        Assert.False(await store.DeleteAsync(ObjectKey.Parse("a")));
    }

    [Fact]
    public async Task No_write_leaves_anything_behind()
    {
        var store = new FolderObjectStore(_folder.Path);
        string etag = await WriteAsync(store, Key, "one");
        await WriteAsync(store, Key, "two", PutCondition.IfAbsent);
        await WriteAsync(store, Key, "three", PutCondition.IfMatch(etag));
        await WriteAsync(store, Key, "four", PutCondition.IfMatch(etag));
        await WriteAsync(store, ObjectKey.Parse("a/c"), "five", PutCondition.IfAbsent);
        Assert.Empty(Directory.GetFiles(_folder[".tmp"]));
        Assert.Equal(["b", "c"], Directory.GetFiles(_folder["a"]).Select(Path.GetFileName).Order());
    }

    [Fact]
    public void What_a_killed_process_left_is_swept_when_it_is_old()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        _ = new FolderObjectStore(_folder.Path, time);
        File.WriteAllText(_folder[".tmp/left-behind"], "half of somethi");
        _ = new FolderObjectStore(_folder.Path, time);
        Assert.True(File.Exists(_folder[".tmp/left-behind"]), "It may still be written to by another process.");
        time.Advance(TimeSpan.FromHours(2));
        _ = new FolderObjectStore(_folder.Path, time);
        Assert.False(File.Exists(_folder[".tmp/left-behind"]));
    }

    [Fact]
    public async Task What_is_left_of_an_upload_is_swept_after_a_week_unless_somebody_has_it()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        var store = new FolderObjectStore(_folder.Path, time);
        foreach (string id in new[] { "left", "open" })
        {
            await using IObjectUpload upload = (await store.OpenUploadAsync(Key, id))!;
            await upload.AppendAsync("some bytes"u8.ToArray());
        }

        string[] left = Directory.GetFiles(_folder[".tmp/uploads"]);
        Assert.Equal(2, left.Length);
        time.Advance(TimeSpan.FromDays(6));
        _ = new FolderObjectStore(_folder.Path, time);
        Assert.Equal(left, Directory.GetFiles(_folder[".tmp/uploads"]));
        time.Advance(TimeSpan.FromDays(2));
        await using (IObjectUpload open = (await store.OpenUploadAsync(Key, "open"))!)
        {
            await using IStagedObject busy = (await store.StageAsync())!;
            await busy.AppendAsync("and more"u8.ToArray());
            _ = new FolderObjectStore(_folder.Path, time);
            Assert.Single(Directory.GetFiles(_folder[".tmp/uploads"]));
            Assert.Single(Directory.GetFiles(_folder[".tmp"]));
            await open.CompleteAsync();
        }

        Assert.Equal("some bytes", await File.ReadAllTextAsync(_folder["a/b"]));
        Assert.Empty(Directory.GetFiles(_folder[".tmp/uploads"]));
        Assert.Empty(Directory.GetFiles(_folder[".tmp"]));
    }

    [Fact]
    public async Task An_upload_that_another_handle_has_open_begins_a_new_one_and_both_end_whole()
    {
        await using IObjectUpload first = (await new FolderObjectStore(_folder.Path).OpenUploadAsync(Key, "id"))!;
        await first.AppendAsync("first"u8.ToArray());
        await using IObjectUpload second = (await new FolderObjectStore(_folder.Path).OpenUploadAsync(Key, "id"))!;
        Assert.Empty(second.Parts);
        await second.AppendAsync("second"u8.ToArray());
        Assert.True((await first.CompleteAsync()).Written);
        Assert.Equal("first", await File.ReadAllTextAsync(_folder["a/b"]));
        Assert.True((await second.CompleteAsync()).Written);
        Assert.Equal("second", await File.ReadAllTextAsync(_folder["a/b"]));
    }

    [Fact]
    public async Task A_listing_reads_a_folder_and_looks_at_a_file_when_its_turn_comes()
    {
        var store = new FolderObjectStore(_folder.Path);
        foreach (string name in new[] { "a/1", "a/2", "a/3", "b/1" })
        {
            await WriteAsync(store, ObjectKey.Parse(name), "x");
        }

        var told = new List<string>();
        await foreach (ObjectInfo info in store.ListAsync(string.Empty))
        {
            told.Add($"{info.Key} {info.Length}");
            if (told.Count == 1)
            {
                File.Delete(_folder["a/2"]);
                await WriteAsync(store, ObjectKey.Parse("a/3"), "longer");
                await WriteAsync(store, ObjectKey.Parse("b/2"), "new");
            }
        }

        Assert.Equal(["a/1 1", "a/3 6", "b/1 1", "b/2 3"], told);
    }

    [Fact]
    public async Task Symbolic_links_are_refused_wherever_they_stand()
    {
        using var outside = new TemporaryFolder();
        await File.WriteAllTextAsync(outside["secret"], "not yours");
        var store = new FolderObjectStore(_folder.Path);
        Directory.CreateSymbolicLink(_folder["linked"], outside.Path);
        Directory.CreateDirectory(_folder["plain"]);
        File.CreateSymbolicLink(_folder["plain/file"], outside["secret"]);
        foreach (string name in new[] { "linked/secret", "linked/new", "linked/deep/new", "plain/file" })
        {
            ObjectKey key = ObjectKey.Parse(name);
            await ExpectDeniedAsync(async () => await store.OpenAsync(key));
            await ExpectDeniedAsync(async () => await store.HeadAsync(key));
            await ExpectDeniedAsync(async () => await store.DeleteAsync(key));
            await ExpectDeniedAsync(async () => await WriteAsync(store, key, "changed"));
            await ExpectDeniedAsync(async () => await WriteAsync(store, key, "changed", PutCondition.IfAbsent));
        }

        Assert.Empty(await store.ListAsync(string.Empty).ToArrayAsync());
        await ExpectDeniedAsync(async () => await store.ListAsync("linked/").ToArrayAsync());
        Assert.Equal("not yours", await File.ReadAllTextAsync(outside["secret"]));
        Assert.Equal(["secret"], Directory.GetFileSystemEntries(outside.Path).Select(Path.GetFileName));

        static async Task ExpectDeniedAsync(Func<Task> call) => Assert.Equal("store.access_denied", (await Assert.ThrowsAsync<MlopsStorageException>(call)).Code);
    }

    [Fact]
    public async Task A_store_may_itself_be_reached_through_a_link()
    {
        Directory.CreateDirectory(_folder["real"]);
        Directory.CreateSymbolicLink(_folder["link"], _folder["real"]);
        await WriteAsync(new FolderObjectStore(_folder["link"]), Key, "x");
        Assert.Equal("x", await File.ReadAllTextAsync(_folder["real/a/b"]));
    }

    [Fact]
    public async Task Files_of_other_programs_are_not_objects()
    {
        var store = new FolderObjectStore(_folder.Path);
        await WriteAsync(store, Key, "x");
        foreach (string stranger in new[] { "README.md", "a/Thumbs.db", "a/.DS_Store", "a/b~", ".git" })
        {
            await File.WriteAllTextAsync(_folder[stranger], "stranger");
        }

        Assert.Equal([Key], (await store.ListAsync(string.Empty).ToArrayAsync()).Select(o => o.Key));
    }

    [Fact]
    public async Task An_etag_changes_though_the_clock_goes_back()
    {
        var time = new BackwardTime();
        var store = new FolderObjectStore(_folder.Path, time);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        string etag = string.Empty;
        for (int i = 0; i < 20; i++)
        {
            PutResult put = await PutAsync(store, Key, "same", i == 0 ? PutCondition.IfAbsent : PutCondition.IfMatch(etag));
            Assert.True(put.Written);
            Assert.True(seen.Add(put.ETag!));
            etag = put.ETag!;
            store = new FolderObjectStore(_folder.Path, time); // a fresh process, which remembers no earlier time
        }

        Assert.Equal(etag, (await store.HeadAsync(Key))!.ETag);
    }

    [Fact]
    public async Task A_put_waits_for_the_lock_of_another_process_and_stops_waiting_when_cancelled()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        var store = new FolderObjectStore(_folder.Path, time);
        await WriteAsync(store, Key, "old");
        string locked = Assert.Single(Directory.GetFiles(_folder[".locks"]));
        using var cancel = new CancellationTokenSource();
        using (new FileStream(locked, FileMode.Open, FileAccess.ReadWrite, FileShare.None))
        {
            using var content = new MemoryStream("new"u8.ToArray());
            Task<PutResult> waiting = store.PutAsync(Key, content, PutCondition.Any, cancel.Token).AsTask();
            Assert.False(waiting.IsCompleted);
            await cancel.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        }

        Assert.Equal("old", await File.ReadAllTextAsync(_folder["a/b"]));
        Assert.Empty(Directory.GetFiles(_folder[".tmp"]));
        await WriteAsync(store, Key, "new");
        Assert.Equal("new", await File.ReadAllTextAsync(_folder["a/b"]));
    }

    private static async Task<string> WriteAsync(FolderObjectStore store, ObjectKey key, string text, PutCondition condition = default) =>
        (await PutAsync(store, key, text, condition)).ETag ?? string.Empty;

    private static async Task<PutResult> PutAsync(FolderObjectStore store, ObjectKey key, string text, PutCondition condition)
    {
        using var content = new MemoryStream(Encoding.UTF8.GetBytes(text));
        return await store.PutAsync(key, content, condition);
    }

    /// <summary>A clock that is a second earlier each time it is asked.</summary>
    private sealed class BackwardTime : TimeProvider
    {
        private DateTimeOffset _now = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => _now -= TimeSpan.FromSeconds(1);
    }
}
