#if DEBUG
using System.Runtime.CompilerServices;

using Vmem.Testing.Exploration;

namespace Vmem.Checks;

/// <summary>Lets an explorer drive what the assembly under test does on a thread. Compiled into each test project that explores, as each
/// assembly has steps of its own.</summary>
internal static class ExplorationHooks
{
    /// <summary>From now until the result is disposed.</summary>
    public static IDisposable Attach(DrivenThread thread)
    {
        Exploration.Current = new Hooks(thread);
        return new Attachment();
    }

    private sealed class Attachment : IDisposable
    {
        public void Dispose() => Exploration.Current = null;
    }

    private sealed class Hooks(DrivenThread thread) : Exploration
    {
        public override T Read<T>(StrongBox<T> field, bool acquire, (string Member, string File, int Line) where) =>
            thread.Read(field, acquire, where);

        public override T Peek<T>(StrongBox<T> field) => thread.Peek(field);

        public override void Write<T>(StrongBox<T> field, T value, bool release, (string Member, string File, int Line) where) =>
            thread.Write(field, value, release, where);

        public override T Exchange<T>(StrongBox<T> field, T value, (string Member, string File, int Line) where) =>
            thread.Exchange(field, value, where);

        public override T CompareExchange<T>(StrongBox<T> field, T value, T comparand, (string Member, string File, int Line) where) =>
            thread.CompareExchange(field, value, comparand, where);

        public override T ReadItem<T>(T[] items, int index, (string Member, string File, int Line) where) =>
            thread.ReadItem(items, index, where);

        public override void WriteItem<T>(T[] items, int index, T value, (string Member, string File, int Line) where) =>
            thread.WriteItem(items, index, value, where);

        public override void BarrierProcessWide((string Member, string File, int Line) where) => thread.BarrierProcessWide(where);

        public override void LookAgain((string Member, string File, int Line) where) => thread.LookAgain(where);

        public override void EnterLock(Lock gate, bool mayWait, (string Member, string File, int Line) where) =>
            thread.EnterLock(gate, mayWait, where);

        public override void ExitLock(Lock gate, (string Member, string File, int Line) where) => thread.ExitLock(gate, where);

        public override void WaitFor(Func<bool> condition, (string Member, string File, int Line) where) =>
            thread.WaitFor(condition, where);

        public override bool Forgets(string duty) => thread.Forgets(duty);
    }
}
#endif
