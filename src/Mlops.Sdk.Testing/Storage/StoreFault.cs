namespace Mlops.Sdk.Testing;

/// <summary>What can go wrong between a program and its store.</summary>
public enum StoreFault
{
    /// <summary>The call fails with <c>store.unavailable</c> and has no effect, as when the medium is away.</summary>
    Unavailable,

    /// <summary>The call takes effect and then fails with <c>store.unavailable</c>, as when the answer is lost.</summary>
    LostAnswer,

    /// <summary>The call fails with <c>store.full</c> and has no effect.</summary>
    Full,

    /// <summary>The call fails with <c>store.access_denied</c> and has no effect.</summary>
    AccessDenied,

    /// <summary>What is read ends too early, without an error.</summary>
    TornRead,

    /// <summary>One bit of what is read is another one, without an error.</summary>
    FlippedBit,

    /// <summary>What is read comes one byte at a time.</summary>
    SlowRead,

    /// <summary>The connection breaks while reading: some bytes, then <see cref="IOException"/>.</summary>
    BrokenRead,

    /// <summary>The call waits on the clock and then fails with <c>store.unavailable</c> (inside: <see cref="TimeoutException"/>); it has no effect.</summary>
    Timeout,

    /// <summary>The call never answers and has no effect; it ends when it is cancelled.</summary>
    Hang,

    /// <summary>The medium is too busy: this call and, for a second by the clock, every other one fails with <c>store.unavailable</c> and has no effect.</summary>
    Throttled,

    /// <summary>The connection breaks while content is sent: some bytes, then the call fails with <c>store.unavailable</c>. It has no effect.</summary>
    BrokenWrite,

    /// <summary>What is written goes a few bytes at a time.</summary>
    SlowWrite,
}

/// <summary>The calls of a store.</summary>
[Flags]
public enum StoreCalls
{
    /// <summary>None of them.</summary>
    None = 0,

    /// <summary><see cref="IObjectStore.PutAsync"/>.</summary>
    Put = 1,

    /// <summary><see cref="IObjectStore.OpenAsync"/>.</summary>
    Open = 2,

    /// <summary><see cref="IObjectStore.HeadAsync"/>.</summary>
    Head = 4,

    /// <summary><see cref="IObjectStore.ListAsync"/>.</summary>
    List = 8,

    /// <summary><see cref="IObjectStore.DeleteAsync"/>.</summary>
    Delete = 16,

    /// <summary><see cref="IObjectStore.TouchAsync"/>.</summary>
    Touch = 32,

    /// <summary>Opening an upload or a stage, and appending to it. Completing one counts as <see cref="Put"/>.</summary>
    Append = 64,

    /// <summary>All of them.</summary>
    All = Put | Open | Head | List | Delete | Touch | Append,
}
